/* External rate control ABI 6 (libvpx 1.13) and 7 (libvpx 1.14). A frame's decision and result are
 * those of ABI 1; 7 added a column of statistics, settings that we do not read, and a callback. */
#ifndef MUZERO_RC_VPX_ABI_ABI_6_H_
#define MUZERO_RC_VPX_ABI_ABI_6_H_

#include "vpx/abi/abi_1.h"

typedef muzero_rc_abi1_config muzero_rc_abi6_config;
typedef muzero_rc_abi1_decision muzero_rc_abi6_decision;
typedef muzero_rc_abi1_result muzero_rc_abi6_result;
typedef muzero_rc_abi1_stats_record muzero_rc_abi6_stats_record;

typedef struct muzero_rc_abi6_frame_info {
  muzero_rc_abi1_frame_info frame;
  int gop_size, use_alt_ref;
} muzero_rc_abi6_frame_info;

typedef struct muzero_rc_abi6_funcs {
  int rc_type;
  int (*create_model)(void *priv, const muzero_rc_abi6_config *config, void **model);
  int (*send_firstpass_stats)(void *model, const muzero_rc_vpx_stats *stats);
  int (*get_encodeframe_decision)(void *model, const muzero_rc_abi6_frame_info *info,
                                  muzero_rc_abi6_decision *decision);
  int (*update_encodeframe_result)(void *model, const muzero_rc_abi6_result *result);
  void (*get_gop_decision)(void);
  void (*get_frame_rdmult)(void);
  int (*delete_model)(void *model);
  void *priv;
} muzero_rc_abi6_funcs;

typedef struct muzero_rc_abi7_config {
  int width, height, show_frame_count;
  int max_gf_interval, min_gf_interval;
  int target_kbps;
  int frame_rate_num, frame_rate_den;
  int rc_mode, overshoot_percent, undershoot_percent;
} muzero_rc_abi7_config;

typedef struct muzero_rc_abi7_stats_record {
  double field[25];
  double new_mv_count;
} muzero_rc_abi7_stats_record;

typedef struct muzero_rc_abi7_funcs {
  int rc_type;
  int (*create_model)(void *priv, const muzero_rc_abi7_config *config, void **model);
  int (*send_firstpass_stats)(void *model, const muzero_rc_vpx_stats *stats);
  void (*send_tpl_gop_stats)(void);
  int (*get_encodeframe_decision)(void *model, const muzero_rc_abi6_frame_info *info,
                                  muzero_rc_abi6_decision *decision);
  int (*update_encodeframe_result)(void *model, const muzero_rc_abi6_result *result);
  void (*get_gop_decision)(void);
  void (*get_frame_rdmult)(void);
  int (*delete_model)(void *model);
  void *priv;
} muzero_rc_abi7_funcs;

#endif /* MUZERO_RC_VPX_ABI_ABI_6_H_ */
