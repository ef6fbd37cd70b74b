/* Encoder settings of one encode, and how libvpx is told of them. */
#ifndef MUZERO_RC_BRIDGE_SETTINGS_H_
#define MUZERO_RC_BRIDGE_SETTINGS_H_

#include <stddef.h>
#include <stdint.h>

#include "vpx/libvpx_calls.h"

/* Name and default. -1 leaves libvpx's own default. The timebase is exactly
 * 1 / frame rate. end_usage: 0 VBR, 1 CBR, 2 constrained quality, 3 quality.
 * bit_depth: 8, 10 or 12, of the frames and of the video.
 * quick: 1 runs probe encodes and the lookahead beside the first pass, see
 * vpx/first_pass_notes.h. max_kbps and buffer_kbits: the peak that a policy is held to
 * (muzero_rc_peak), 0: none; libvpx is not told of it. */
#define MUZERO_RC_SETTINGS(FIELD) \
  FIELD(width, 0)                 \
  FIELD(height, 0)                \
  FIELD(timebase_num, 1)          \
  FIELD(timebase_den, 30)         \
  FIELD(target_kbps, 256)         \
  FIELD(cpu_used, 2)              \
  FIELD(auto_alt_ref, 6)          \
  FIELD(lag_in_frames, 25)        \
  FIELD(kf_max_dist, 128)         \
  FIELD(threads, 1)               \
  FIELD(tile_columns, -1)         \
  FIELD(row_mt, 0)                \
  FIELD(end_usage, 0)             \
  FIELD(cq_level, -1)             \
  FIELD(min_q, 0)                 \
  FIELD(max_q, 63)                \
  FIELD(arnr_max_frames, -1)      \
  FIELD(arnr_strength, -1)        \
  FIELD(gf_interval, -1)          \
  FIELD(corpus_complexity, 0)     \
  FIELD(tpl, -1)                  \
  FIELD(key_frame_filtering, -1)  \
  FIELD(psnr, 1)                  \
  FIELD(bit_depth, 8)             \
  FIELD(quick, 1)                 \
  FIELD(max_kbps, 0)              \
  FIELD(buffer_kbits, 0)

typedef struct muzero_rc_settings {
#define FIELD(name, value) int32_t name;
  MUZERO_RC_SETTINGS(FIELD)
#undef FIELD
} muzero_rc_settings;

typedef struct muzero_rc_setting {
  const char *name;
  int32_t value; /* the default */
  size_t offset; /* in muzero_rc_settings */
} muzero_rc_setting;

/* The table of fields, ended by a NULL name. */
const muzero_rc_setting *muzero_rc_setting_table(void);

muzero_rc_settings muzero_rc_settings_default(void);

/* Bytes of one raw frame; 0 for sizes and bit depths that no frame has. */
size_t muzero_rc_frame_bytes(const muzero_rc_settings *settings);

/* Opens a VP9 encoder; the first pass when `stats` is empty, else the second.
 * -EINVAL with one line in `error`; then *codec needs no destroying. */
int muzero_rc_encoder_open(const muzero_rc_libvpx *libvpx, const muzero_rc_settings *settings,
                           vpx_fixed_buf_t stats, vpx_codec_ctx_t *codec, char *error, size_t error_size);

#endif /* MUZERO_RC_BRIDGE_SETTINGS_H_ */
