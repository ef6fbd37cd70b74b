/* What a second pass is asked beside its target, and whether its first pass was of the same clip. */
#ifndef MUZERO_RC_PLUGIN_SECOND_PASS_H_
#define MUZERO_RC_PLUGIN_SECOND_PASS_H_

#include <stddef.h>

#include "plugin/intercept.h"

/* The peak that the program has asked for, as ffmpeg's -maxrate and -bufsize do: max_kbps is
 * rc_2pass_vbr_maxsection_pct of the target, buffer_kbits what the target fills in rc_buf_sz
 * milliseconds. max_kbps is 0 where there is none. */
muzero_rc_peak muzero_rc_second_pass_peak(const vpx_codec_enc_cfg_t *cfg);

/* Remembers how many frames the first pass saw; NULL, or what is wrong with it. */
const char *muzero_rc_second_pass_begin(muzero_rc_encoder *encoder);

/* Before each encode call of a frame. Says so when it is one more than the first pass saw. */
void muzero_rc_second_pass_frame(muzero_rc_encoder *encoder);

/* At the end: says so when there were fewer; then what was decided and used. */
void muzero_rc_second_pass_finish(const muzero_rc_encoder *encoder);

#endif /* MUZERO_RC_PLUGIN_SECOND_PASS_H_ */
