/* External rate control ABI 9 (libvpx 1.15.0) and 10 (1.15.1, 1.15.2), which differ in their
 * numbers only. A decision is asked by a frame's place in the GOP. */
#ifndef MUZERO_RC_VPX_ABI_ABI_9_H_
#define MUZERO_RC_VPX_ABI_ABI_9_H_

#include "vpx/abi/abi_6.h"

typedef struct muzero_rc_abi9_config {
  muzero_rc_abi7_config config;
  int min_base_qindex, max_base_qindex, base_qp;
} muzero_rc_abi9_config;

typedef muzero_rc_abi7_stats_record muzero_rc_abi9_stats_record;

typedef struct muzero_rc_abi9_decision {
  int q_index;
  int rdmult; /* read by nobody */
} muzero_rc_abi9_decision;

typedef struct muzero_rc_abi9_result {
  int64_t bit_count;
  int qindex;
} muzero_rc_abi9_result;

typedef struct muzero_rc_abi9_funcs {
  int rc_type;
  int (*create_model)(void *priv, const muzero_rc_abi9_config *config, void **model);
  int (*send_firstpass_stats)(void *model, const muzero_rc_vpx_stats *stats);
  int (*send_tpl_gop_stats)(void *model, const void *stats);
  int (*get_encodeframe_decision)(void *model, int gop_index, muzero_rc_abi9_decision *decision);
  int (*update_encodeframe_result)(void *model, const muzero_rc_abi9_result *result);
  void (*get_key_frame_decision)(void);
  void (*get_gop_decision)(void);
  void (*get_frame_rdmult)(void);
  int (*delete_model)(void *model);
  const char *rate_ctrl_log_path;
  void *priv;
} muzero_rc_abi9_funcs;

#endif /* MUZERO_RC_VPX_ABI_ABI_9_H_ */
