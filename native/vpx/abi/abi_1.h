/* External rate control ABI 1: libvpx 1.10 to 1.12. */
#ifndef MUZERO_RC_VPX_ABI_ABI_1_H_
#define MUZERO_RC_VPX_ABI_ABI_1_H_

#include "vpx/abi/common.h"

typedef struct muzero_rc_abi1_config {
  int width, height, show_frame_count;
  int target_kbps; /* its header says kilobytes; the value is kilobits */
  int frame_rate_num, frame_rate_den;
} muzero_rc_abi1_config;

typedef struct muzero_rc_abi1_frame_info {
  int frame_type, show_index, coding_index, gop_index;
  int ref_coding_index[3], ref_valid[3];
} muzero_rc_abi1_frame_info;

typedef struct muzero_rc_abi1_decision {
  int q_index;
  int max_frame_size; /* 0: no limit. With one, libvpx may recode without end. */
} muzero_rc_abi1_decision;

typedef struct muzero_rc_abi1_result {
  int64_t sse, bit_count, pixel_count;
  int qindex;
} muzero_rc_abi1_result;

typedef struct muzero_rc_abi1_stats_record {
  double field[25];
} muzero_rc_abi1_stats_record;

typedef struct muzero_rc_abi1_funcs {
  int (*create_model)(void *priv, const muzero_rc_abi1_config *config, void **model);
  int (*send_firstpass_stats)(void *model, const muzero_rc_vpx_stats *stats);
  int (*get_encodeframe_decision)(void *model, const muzero_rc_abi1_frame_info *info,
                                  muzero_rc_abi1_decision *decision);
  int (*update_encodeframe_result)(void *model, const muzero_rc_abi1_result *result);
  int (*delete_model)(void *model);
  void *priv;
} muzero_rc_abi1_funcs;

#endif /* MUZERO_RC_VPX_ABI_ABI_1_H_ */
