/* The releases of libvpx that are known, and how one is recognised: by what it says it is and by
 * the highest encoder ABI that it takes. Either alone would lie: between releases the interface
 * changes under an old version string, and distributions let an encoder take older ABIs too. */
#ifndef MUZERO_RC_VPX_ABI_RELEASE_H_
#define MUZERO_RC_VPX_ABI_RELEASE_H_

#include <stddef.h>

#include "vpx/abi/layout.h"

typedef struct muzero_rc_release {
  const char *version;  /* as "1.12.0" */
  int encoder_abi;      /* VPX_ENCODER_ABI_VERSION */
  int ext_abi;          /* VPX_EXT_RATECTRL_ABI_VERSION */
  int control_id;       /* VP9E_SET_EXTERNAL_RATE_CONTROL */
  int key_frame_filter; /* VP9E_SET_KEY_FRAME_FILTERING; 0: there is none */
  int stats_fields;     /* doubles in a frame's first-pass statistics, without the layer */
  int filter_strength;  /* of alt-refs, that serves better than libvpx's default; -1: none does */
  bool filter_overflows; /* the alt-ref filter multiplies in 16 bits, on x86 */
  const muzero_rc_layout *layout;
} muzero_rc_release;

/* The release that says `version` ("v1.12.0" or "1.12.0") and takes encoder ABIs up to
 * `encoder_abi`. NULL when there is none; `error` then has one line with both numbers. */
const muzero_rc_release *muzero_rc_release_of(const char *version, int encoder_abi, char *error,
                                              size_t error_size);

/* Whether its alt-ref filter spoils pictures of this bit depth: those of 12 bits before libvpx 1.14
 * (11 dB were seen where 33 are right). It has to be off there. NULL is fine. */
bool muzero_rc_filter_spoils(const muzero_rc_release *release, int bit_depth);

/* The strength of the alt-ref's filter that serves best (docs/libvpx.md) on the releases of a
 * VPX_EXT_RATECTRL_ABI_VERSION; -1: libvpx's default, or the ABI is unknown. */
int muzero_rc_filter_strength(int ext_abi);

/* The layout of a header's VPX_EXT_RATECTRL_ABI_VERSION; NULL when it is unknown. */
const muzero_rc_layout *muzero_rc_layout_of(int ext_abi);

#endif /* MUZERO_RC_VPX_ABI_RELEASE_H_ */
