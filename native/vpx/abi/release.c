#include "vpx/abi/release.h"

#include <stdio.h>
#include <string.h>

static const muzero_rc_release kReleases[] = {
    /* version, encoder ABI, external rate control ABI, its control, key frame filter's control,
     * statistics, filter's strength and overflow, layout */
    {"1.10.0", 24, 1, 70, 0, 25, -1, true, &muzero_rc_layout_1},
    {"1.11.0", 25, 1, 70, 0, 25, -1, true, &muzero_rc_layout_1},
    {"1.12.0", 25, 1, 70, 0, 25, -1, true, &muzero_rc_layout_1},
    {"1.13.0", 30, 6, 70, 0, 25, -1, true, &muzero_rc_layout_6},
    {"1.13.1", 30, 6, 70, 0, 25, -1, true, &muzero_rc_layout_6},
    {"1.14.0", 34, 7, 70, 0, 26, -1, false, &muzero_rc_layout_7},
    {"1.14.1", 34, 7, 70, 0, 26, -1, false, &muzero_rc_layout_7},
    {"1.15.0", 36, 9, 71, 66, 26, 3, false, &muzero_rc_layout_9}, /* this one came before that one */
    {"1.15.1", 37, 10, 70, 76, 26, 3, false, &muzero_rc_layout_9},
    {"1.15.2", 37, 10, 70, 76, 26, 3, false, &muzero_rc_layout_9},
    {"1.16.0", 39, 12, 70, 76, 26, 3, false, &muzero_rc_layout_12},
    {"1.17.0", 39, 12, 70, 76, 26, 3, false, &muzero_rc_layout_12},
};
enum { RELEASES = sizeof(kReleases) / sizeof(kReleases[0]) };

const muzero_rc_release *muzero_rc_release_of(const char *version, int encoder_abi, char *error,
                                              size_t error_size) {
  const char *const number = *version == 'v' ? version + 1 : version;
  const muzero_rc_release *same = NULL;
  for (int i = 0; i < RELEASES; ++i) {
    if (strcmp(kReleases[i].version, number) != 0) continue;
    same = &kReleases[i];
    if (same->encoder_abi == encoder_abi) return same;
  }
  if (same) {
    snprintf(error, error_size,
             "a libvpx that says %.40s but has encoder ABI %d, where that release has %d: a "
             "snapshot between releases, whose interface muzero-rc does not know",
             number, encoder_abi, same->encoder_abi);
  } else {
    snprintf(error, error_size,
             "libvpx %.40s with encoder ABI %d, which muzero-rc does not know: it knows %s (%d) "
             "to %s (%d)",
             number, encoder_abi, kReleases[0].version, kReleases[0].encoder_abi,
             kReleases[RELEASES - 1].version, kReleases[RELEASES - 1].encoder_abi);
  }
  return NULL;
}

bool muzero_rc_filter_spoils(const muzero_rc_release *release, int bit_depth) {
  return release && release->filter_overflows && bit_depth > 10;
}

int muzero_rc_filter_strength(int ext_abi) {
  for (int i = 0; i < RELEASES; ++i)
    if (kReleases[i].ext_abi == ext_abi) return kReleases[i].filter_strength;
  return -1;
}

const muzero_rc_layout *muzero_rc_layout_of(int ext_abi) {
  for (int i = 0; i < RELEASES; ++i)
    if (kReleases[i].ext_abi == ext_abi) return kReleases[i].layout;
  return NULL;
}
