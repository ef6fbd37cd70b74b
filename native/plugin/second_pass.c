#include "plugin/second_pass.h"

#include <stdio.h>
#include <string.h>

#include "vpx/convert.h"

/* libvpx's own values, which stand where nobody asked. */
enum { USUAL_MAX_SECTION = 2000, USUAL_BUFFER_MS = 6000 };

muzero_rc_peak muzero_rc_second_pass_peak(const vpx_codec_enc_cfg_t *cfg) {
  const int64_t target = cfg->rc_target_bitrate;
  const int64_t share = cfg->rc_2pass_vbr_maxsection_pct;
  const int64_t buffer_ms = cfg->rc_buf_sz ? cfg->rc_buf_sz : USUAL_BUFFER_MS;
  const int64_t max_kbps = target * share / 100, buffer_kbits = target * buffer_ms / 1000;
  if (share < 1 || share >= USUAL_MAX_SECTION) return (muzero_rc_peak){0};
  if (max_kbps < 1 || max_kbps > INT32_MAX) return (muzero_rc_peak){0};
  if (buffer_kbits < 1 || buffer_kbits > INT32_MAX) return (muzero_rc_peak){0};
  return (muzero_rc_peak){.max_kbps = (int32_t)max_kbps, .buffer_kbits = (int32_t)buffer_kbits};
}

const char *muzero_rc_second_pass_begin(muzero_rc_encoder *encoder) {
  const vpx_fixed_buf_t stats = encoder->cfg.rc_twopass_stats_in;
  const int fields = encoder->release->stats_fields;
  if (!stats.buf) return NULL; /* libvpx refuses it */
  encoder->expected = muzero_rc_blob_frames(stats.buf, stats.sz, fields);
  if (encoder->expected < 1) return NULL;
  if (muzero_rc_first_pass_is_noted(stats.buf, encoder->expected, fields)) return NULL;
  return "; nothing was noted in its first pass (run that under rc-plugin too), so files get larger";
}

void muzero_rc_second_pass_frame(muzero_rc_encoder *encoder) {
  if (!encoder->plugin || encoder->expected < 1) return;
  if (encoder->fed++ == encoder->expected)
    muzero_rc_say("the first pass saw %d frames and here is one more: its log is another clip's, "
                  "the bitrate will be wrong",
                  (int)encoder->expected);
}

void muzero_rc_second_pass_finish(const muzero_rc_encoder *encoder) {
  const muzero_rc_report report = muzero_rc_plugin_report(encoder->plugin);
  if (encoder->expected > 0 && encoder->fed > 0 && encoder->fed < encoder->expected)
    muzero_rc_say("the first pass saw %d frames and the second %lld: its log is another clip's, or "
                  "the encode was cut short",
                  (int)encoder->expected, (long long)encoder->fed);
  if (report.error) {
    muzero_rc_say("rate control failed the encode: %s", strerror(-report.error));
    return;
  }
  if (report.decisions == 0) {
    muzero_rc_say("libvpx asked for no decision: its own rate control ran");
    return;
  }
  char peak[64] = "";
  if (report.peak_used > 0.0)
    snprintf(peak, sizeof(peak), ", at most %.0f %% of the buffer", 100.0 * report.peak_used);
  muzero_rc_say("%lld frames decided, %lld guarded, %lld fallbacks; %.1f %% of the target used%s",
                (long long)report.decisions, (long long)report.guarded,
                (long long)report.fallbacks, 100.0 * report.fill, peak);
}
