/* External rate control ABI 12: libvpx 1.16 and 1.17. As ABI 9, but for a frame's decision. */
#ifndef MUZERO_RC_VPX_ABI_ABI_12_H_
#define MUZERO_RC_VPX_ABI_ABI_12_H_

#include "vpx/abi/abi_9.h"

typedef muzero_rc_abi9_config muzero_rc_abi12_config;
typedef muzero_rc_abi9_stats_record muzero_rc_abi12_stats_record;
typedef muzero_rc_abi9_result muzero_rc_abi12_result;

typedef struct muzero_rc_abi12_superblock {
  int q_index; /* read by nobody */
  int rdmult;
} muzero_rc_abi12_superblock;

typedef struct muzero_rc_abi12_decision {
  int q_index;
  int rdmult;
  int delta_q_uv;
  muzero_rc_abi12_superblock *superblocks; /* libvpx's, one for each 64x64 pixels */
} muzero_rc_abi12_decision;

typedef struct muzero_rc_abi12_funcs {
  int rc_type;
  int (*create_model)(void *priv, const muzero_rc_abi12_config *config, void **model);
  int (*send_firstpass_stats)(void *model, const muzero_rc_vpx_stats *stats);
  int (*send_tpl_gop_stats)(void *model, const void *stats);
  int (*get_encodeframe_decision)(void *model, int gop_index, muzero_rc_abi12_decision *decision);
  int (*update_encodeframe_result)(void *model, const muzero_rc_abi12_result *result);
  void (*get_key_frame_decision)(void);
  void (*get_gop_decision)(void);
  void (*get_frame_rdmult)(void);
  int (*delete_model)(void *model);
  const char *rate_ctrl_log_path;
  void *priv;
} muzero_rc_abi12_funcs;

#endif /* MUZERO_RC_VPX_ABI_ABI_12_H_ */
