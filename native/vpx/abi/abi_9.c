#include "vpx/abi/abi_9.h"

#include <string.h>

#include "vpx/abi/abi_12.h"
#include "vpx/abi/layout.h"
#include "vpx/callbacks.h"

static int create_model(void *priv, const muzero_rc_abi9_config *config, void **model) {
  const muzero_rc_clip clip = {.width = config->config.width,
                               .height = config->config.height,
                               .frame_count = config->config.show_frame_count,
                               .target_kbps = config->config.target_kbps};
  *model = priv;
  return muzero_rc_vpx_status(muzero_rc_callbacks_begin(priv, &clip, true));
}

static int send_firstpass_stats(void *model, const muzero_rc_vpx_stats *stats) {
  return muzero_rc_vpx_status(muzero_rc_callbacks_stats(
      model, stats->records, sizeof(muzero_rc_abi9_stats_record), stats->num_frames));
}

static int get_encodeframe_decision(void *model, int gop_index,
                                    muzero_rc_abi9_decision *decision) {
  int32_t qindex;
  if (muzero_rc_callbacks_ask_by_index(model, gop_index, &qindex)) return MUZERO_RC_VPX_ERROR;
  *decision = (muzero_rc_abi9_decision){.q_index = qindex};
  return MUZERO_RC_VPX_OK;
}

/* libvpx scales a superblock's rdmult by its own / (the frame's + 1), in 256ths, and tells of no
 * default: these leave it as it is. The structs are not initialised by libvpx. */
static void get_neutral(muzero_rc_abi12_decision *decision, int32_t superblocks) {
  enum { WHOLE = 256 };
  decision->rdmult = WHOLE - 1;
  decision->delta_q_uv = 0;
  for (int32_t i = 0; i < superblocks; ++i)
    decision->superblocks[i] = (muzero_rc_abi12_superblock){.rdmult = WHOLE};
}

static int get_encodeframe_decision_12(void *model, int gop_index,
                                       muzero_rc_abi12_decision *decision) {
  enum { SIDE = 64 };
  const muzero_rc_clip clip = muzero_rc_callbacks_clip(model);
  int32_t qindex;
  if (muzero_rc_callbacks_ask_by_index(model, gop_index, &qindex)) return MUZERO_RC_VPX_ERROR;
  decision->q_index = qindex;
  get_neutral(decision,
              (clip.width + SIDE - 1) / SIDE * ((clip.height + SIDE - 1) / SIDE));
  return MUZERO_RC_VPX_OK;
}

static int update_encodeframe_result(void *model, const muzero_rc_abi9_result *coded) {
  const muzero_rc_clip clip = muzero_rc_callbacks_clip(model);
  const int64_t chroma = ((int64_t)clip.width + 1) / 2 * ((clip.height + 1) / 2);
  const muzero_rc_frame_result result = {.sse = MUZERO_RC_SSE_UNKNOWN,
                                         .bits = coded->bit_count,
                                         .pixels = (int64_t)clip.width * clip.height + 2 * chroma,
                                         .qindex = coded->qindex};
  return muzero_rc_vpx_status(muzero_rc_callbacks_coded(model, &result));
}

static int delete_model(void *model) {
  muzero_rc_callbacks_end(model);
  return MUZERO_RC_VPX_OK;
}

/* No send_tpl_gop_stats: with it libvpx looks ahead over GOPs without an alt-ref too, and reads
 * a reference that is not there where the clip begins with one. */
static void fill_9(muzero_rc_callbacks *callbacks, void *out) {
  const muzero_rc_abi9_funcs funcs = {.rc_type = MUZERO_RC_VPX_DECIDES_QP,
                                      .create_model = create_model,
                                      .send_firstpass_stats = send_firstpass_stats,
                                      .get_encodeframe_decision = get_encodeframe_decision,
                                      .update_encodeframe_result = update_encodeframe_result,
                                      .delete_model = delete_model,
                                      .priv = callbacks};
  memcpy(out, &funcs, sizeof(funcs));
}

static void fill_12(muzero_rc_callbacks *callbacks, void *out) {
  const muzero_rc_abi12_funcs funcs = {.rc_type = MUZERO_RC_VPX_DECIDES_QP,
                                       .create_model = create_model,
                                       .send_firstpass_stats = send_firstpass_stats,
                                       .get_encodeframe_decision = get_encodeframe_decision_12,
                                       .update_encodeframe_result = update_encodeframe_result,
                                       .delete_model = delete_model,
                                       .priv = callbacks};
  memcpy(out, &funcs, sizeof(funcs));
}

const muzero_rc_layout muzero_rc_layout_9 = {.fill = fill_9, .by_index = true};
const muzero_rc_layout muzero_rc_layout_12 = {.fill = fill_12, .by_index = true};
