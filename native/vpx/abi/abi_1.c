#include "vpx/abi/abi_1.h"

#include <string.h>

#include "vpx/abi/layout.h"
#include "vpx/callbacks.h"

static int create_model(void *priv, const muzero_rc_abi1_config *config, void **model) {
  const muzero_rc_clip clip = {.width = config->width,
                               .height = config->height,
                               .frame_count = config->show_frame_count,
                               .target_kbps = config->target_kbps};
  *model = priv;
  return muzero_rc_vpx_status(muzero_rc_callbacks_begin(priv, &clip, false));
}

static int send_firstpass_stats(void *model, const muzero_rc_vpx_stats *stats) {
  return muzero_rc_vpx_status(muzero_rc_callbacks_stats(
      model, stats->records, sizeof(muzero_rc_abi1_stats_record), stats->num_frames));
}

static int get_encodeframe_decision(void *model, const muzero_rc_abi1_frame_info *info,
                                    muzero_rc_abi1_decision *decision) {
  muzero_rc_frame_request request = {.frame_type = info->frame_type,
                                     .show_index = info->show_index,
                                     .coding_index = info->coding_index,
                                     .gop_index = info->gop_index};
  int32_t qindex;
  for (int i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    request.ref_coding_index[i] = info->ref_coding_index[i];
    request.ref_valid[i] = info->ref_valid[i] != 0;
  }
  if (muzero_rc_callbacks_ask(model, &request, &qindex)) return MUZERO_RC_VPX_ERROR;
  *decision = (muzero_rc_abi1_decision){.q_index = qindex, .max_frame_size = 0};
  return MUZERO_RC_VPX_OK;
}

static int update_encodeframe_result(void *model, const muzero_rc_abi1_result *coded) {
  const muzero_rc_frame_result result = {.sse = coded->sse,
                                         .bits = coded->bit_count,
                                         .pixels = coded->pixel_count,
                                         .qindex = coded->qindex};
  return muzero_rc_vpx_status(muzero_rc_callbacks_coded(model, &result));
}

static int delete_model(void *model) {
  muzero_rc_callbacks_end(model);
  return MUZERO_RC_VPX_OK;
}

static void fill(muzero_rc_callbacks *callbacks, void *out) {
  const muzero_rc_abi1_funcs funcs = {.create_model = create_model,
                                      .send_firstpass_stats = send_firstpass_stats,
                                      .get_encodeframe_decision = get_encodeframe_decision,
                                      .update_encodeframe_result = update_encodeframe_result,
                                      .delete_model = delete_model,
                                      .priv = callbacks};
  memcpy(out, &funcs, sizeof(funcs));
}

const muzero_rc_layout muzero_rc_layout_1 = {.fill = fill};
