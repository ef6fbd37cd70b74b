/* libvpx's callbacks over one policy. A model lives from the statistics to
 * delete_model; nothing allocates or fails between. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "vpx/convert.h"

struct muzero_rc_plugin {
  const muzero_rc_policy *policy;
  muzero_rc_model *model; /* NULL before the statistics came */
  muzero_rc_clip clip;
  bool busy; /* between create_model and delete_model */
  int32_t lowest, highest;
  muzero_rc_report report;
};

int muzero_rc_plugin_open(const muzero_rc_policy *policy, muzero_rc_plugin **plugin) {
  muzero_rc_plugin *const opened = calloc(1, sizeof(*opened));
  *plugin = opened;
  if (!opened) return -ENOMEM;
  opened->policy = policy;
  opened->lowest = MUZERO_RC_QINDEX_MIN;
  opened->highest = MUZERO_RC_QINDEX_MAX;
  return 0;
}

void muzero_rc_plugin_close(muzero_rc_plugin **plugin) {
  if (!*plugin) return;
  muzero_rc_model_close(&(*plugin)->model);
  free(*plugin);
  *plugin = NULL;
}

static int32_t cut(int32_t value, int32_t lowest, int32_t highest) {
  if (value < lowest) return lowest;
  return value > highest ? highest : value;
}

int muzero_rc_plugin_limit(muzero_rc_plugin *plugin, int32_t lowest, int32_t highest) {
  if (lowest > highest) return -EINVAL;
  plugin->lowest = cut(lowest, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX);
  plugin->highest = cut(highest, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX);
  return 0;
}

int32_t muzero_rc_qindex(int32_t quantizer) {
  /* libvpx's table: steps of 4, but the last two. */
  const int32_t inner = cut(quantizer, 0, 63);
  return inner < 62 ? 4 * inner : inner == 62 ? 249 : 255;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static vpx_rc_status_t fail(muzero_rc_plugin *plugin, int error) {
  if (!plugin->report.error) plugin->report.error = error;
  return VPX_RC_ERROR;
}

static vpx_rc_status_t create_model(void *priv, const vpx_rc_config_t *config,
                                    vpx_rc_model_t *model) {
  muzero_rc_plugin *const plugin = priv;
  *model = plugin;
  if (plugin->busy) return fail(plugin, -EBUSY);
  plugin->busy = true;
  plugin->clip = muzero_rc_clip_from_vpx(config);
  plugin->report = (muzero_rc_report){0};
  return VPX_RC_OK;
}

static vpx_rc_status_t send_firstpass_stats(vpx_rc_model_t model,
                                            const vpx_rc_firstpass_stats_t *stats) {
  muzero_rc_plugin *const plugin = model;
  const int64_t start = now_ns();
  if (stats->num_frames != plugin->clip.frame_count) return fail(plugin, -EPROTO);
  muzero_rc_model_close(&plugin->model);
  const int error = muzero_rc_model_open(plugin->policy, &plugin->clip,
                                         muzero_rc_stats_from_vpx(stats), &plugin->model);
  plugin->report.nanoseconds += now_ns() - start;
  return error ? fail(plugin, error) : VPX_RC_OK;
}

static vpx_rc_status_t get_encodeframe_decision(vpx_rc_model_t model,
                                                const vpx_rc_encodeframe_info_t *info,
                                                vpx_rc_encodeframe_decision_t *out) {
  muzero_rc_plugin *const plugin = model;
  const int64_t start = now_ns();
  const muzero_rc_frame_request request = muzero_rc_request_from_vpx(info);
  if (!plugin->model) return fail(plugin, -EPROTO);
  const muzero_rc_decision decision = muzero_rc_model_decide(plugin->model, &request);
  const int32_t asked = cut(decision.asked, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX);
  plugin->report.decisions += 1;
  plugin->report.guarded += decision.qindex != asked;
  plugin->report.fallbacks += decision.fallback;
  *out = muzero_rc_decision_to_vpx(cut(decision.qindex, plugin->lowest, plugin->highest));
  plugin->report.nanoseconds += now_ns() - start;
  return VPX_RC_OK;
}

static vpx_rc_status_t update_encodeframe_result(vpx_rc_model_t model,
                                                 const vpx_rc_encodeframe_result_t *vpx_result) {
  muzero_rc_plugin *const plugin = model;
  const int64_t start = now_ns();
  const muzero_rc_frame_result result = muzero_rc_result_from_vpx(vpx_result);
  if (!plugin->model) return fail(plugin, -EPROTO);
  muzero_rc_model_update(plugin->model, &result);
  plugin->report.nanoseconds += now_ns() - start;
  return VPX_RC_OK;
}

static vpx_rc_status_t delete_model(vpx_rc_model_t model) {
  muzero_rc_plugin *const plugin = model;
  muzero_rc_model_close(&plugin->model);
  plugin->busy = false;
  return VPX_RC_OK;
}

int muzero_rc_plugin_funcs(muzero_rc_plugin *plugin, int abi, struct vpx_rc_funcs *funcs) {
  if (abi != VPX_EXT_RATECTRL_ABI_VERSION) return -ENOTSUP;
  *funcs = (vpx_rc_funcs_t){.create_model = create_model,
                            .send_firstpass_stats = send_firstpass_stats,
                            .get_encodeframe_decision = get_encodeframe_decision,
                            .update_encodeframe_result = update_encodeframe_result,
                            .delete_model = delete_model,
                            .priv = plugin};
  return 0;
}

muzero_rc_report muzero_rc_plugin_report(const muzero_rc_plugin *plugin) {
  return plugin->report;
}
