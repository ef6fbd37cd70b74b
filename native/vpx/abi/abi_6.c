#include "vpx/abi/abi_6.h"

#include <string.h>

#include "vpx/abi/layout.h"
#include "vpx/callbacks.h"

static int begin(void *priv, int width, int height, int frames, int kbps, void **model) {
  const muzero_rc_clip clip = {
      .width = width, .height = height, .frame_count = frames, .target_kbps = kbps};
  *model = priv;
  return muzero_rc_vpx_status(muzero_rc_callbacks_begin(priv, &clip, false));
}

static int create_model_6(void *priv, const muzero_rc_abi6_config *c, void **model) {
  return begin(priv, c->width, c->height, c->show_frame_count, c->target_kbps, model);
}

static int create_model_7(void *priv, const muzero_rc_abi7_config *c, void **model) {
  return begin(priv, c->width, c->height, c->show_frame_count, c->target_kbps, model);
}

static int send_firstpass_stats_6(void *model, const muzero_rc_vpx_stats *stats) {
  return muzero_rc_vpx_status(muzero_rc_callbacks_stats(
      model, stats->records, sizeof(muzero_rc_abi6_stats_record), stats->num_frames));
}

static int send_firstpass_stats_7(void *model, const muzero_rc_vpx_stats *stats) {
  return muzero_rc_vpx_status(muzero_rc_callbacks_stats(
      model, stats->records, sizeof(muzero_rc_abi7_stats_record), stats->num_frames));
}

static int get_encodeframe_decision(void *model, const muzero_rc_abi6_frame_info *info,
                                    muzero_rc_abi6_decision *decision) {
  const muzero_rc_abi1_frame_info *const frame = &info->frame;
  muzero_rc_frame_request request = {.frame_type = frame->frame_type,
                                     .show_index = frame->show_index,
                                     .coding_index = frame->coding_index,
                                     .gop_index = frame->gop_index};
  int32_t qindex;
  for (int i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    request.ref_coding_index[i] = frame->ref_coding_index[i];
    request.ref_valid[i] = frame->ref_valid[i] != 0;
  }
  if (muzero_rc_callbacks_ask(model, &request, &qindex)) return MUZERO_RC_VPX_ERROR;
  *decision = (muzero_rc_abi6_decision){.q_index = qindex, .max_frame_size = 0};
  return MUZERO_RC_VPX_OK;
}

static int update_encodeframe_result(void *model, const muzero_rc_abi6_result *coded) {
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

static void fill_6(muzero_rc_callbacks *callbacks, void *out) {
  const muzero_rc_abi6_funcs funcs = {.rc_type = MUZERO_RC_VPX_DECIDES_QP,
                                      .create_model = create_model_6,
                                      .send_firstpass_stats = send_firstpass_stats_6,
                                      .get_encodeframe_decision = get_encodeframe_decision,
                                      .update_encodeframe_result = update_encodeframe_result,
                                      .delete_model = delete_model,
                                      .priv = callbacks};
  memcpy(out, &funcs, sizeof(funcs));
}

static void fill_7(muzero_rc_callbacks *callbacks, void *out) {
  const muzero_rc_abi7_funcs funcs = {.rc_type = MUZERO_RC_VPX_DECIDES_QP,
                                      .create_model = create_model_7,
                                      .send_firstpass_stats = send_firstpass_stats_7,
                                      .get_encodeframe_decision = get_encodeframe_decision,
                                      .update_encodeframe_result = update_encodeframe_result,
                                      .delete_model = delete_model,
                                      .priv = callbacks};
  memcpy(out, &funcs, sizeof(funcs));
}

const muzero_rc_layout muzero_rc_layout_6 = {.fill = fill_6};
const muzero_rc_layout muzero_rc_layout_7 = {.fill = fill_7};
