/* The plugin: libvpx's callbacks over one policy, for programs that embed libvpx. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <stdlib.h>

#include "vpx/callbacks.h"

struct muzero_rc_plugin {
  const muzero_rc_policy *policy;
  muzero_rc_callbacks *callbacks;
};

static int open_model(void *self, const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                      muzero_rc_model **model) {
  const muzero_rc_plugin *const plugin = self;
  return muzero_rc_model_open(plugin->policy, clip, stats, model);
}

int muzero_rc_plugin_open(const muzero_rc_policy *policy, muzero_rc_plugin **plugin) {
  *plugin = calloc(1, sizeof(**plugin));
  if (!*plugin) return -ENOMEM;
  (*plugin)->policy = policy;
  const muzero_rc_callbacks_owner owner = {.self = *plugin, .open_model = open_model};
  const int error = muzero_rc_callbacks_open(&owner, &(*plugin)->callbacks);
  if (error) muzero_rc_plugin_close(plugin);
  return error;
}

void muzero_rc_plugin_close(muzero_rc_plugin **plugin) {
  if (!*plugin) return;
  muzero_rc_callbacks_close(&(*plugin)->callbacks);
  free(*plugin);
  *plugin = NULL;
}

int muzero_rc_plugin_limit(muzero_rc_plugin *plugin, int32_t lowest, int32_t highest) {
  if (lowest > highest) return -EINVAL;
  muzero_rc_callbacks_limit(plugin->callbacks, lowest, highest);
  return 0;
}

int32_t muzero_rc_qindex(int32_t quantizer) {
  /* libvpx's table: steps of 4, but the last two. */
  const int32_t inner = quantizer < 0 ? 0 : quantizer > 63 ? 63 : quantizer;
  return inner < 62 ? 4 * inner : inner == 62 ? 249 : 255;
}

int muzero_rc_plugin_funcs(muzero_rc_plugin *plugin, int abi, struct vpx_rc_funcs *funcs) {
  if (abi != VPX_EXT_RATECTRL_ABI_VERSION) return -ENOTSUP;
  *funcs = muzero_rc_callbacks_funcs(plugin->callbacks);
  return 0;
}

muzero_rc_report muzero_rc_plugin_report(const muzero_rc_plugin *plugin) {
  return muzero_rc_callbacks_report(plugin->callbacks);
}
