/* Nothing to run: compiles where our declarations of libvpx's external rate control agree with the
 * libvpx header that is found, whichever release it is of. */
#include <stddef.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "rate_control/frame_traits.h"
#include "vpx/abi/abi_12.h"

#define SAME_SIZE(true_type, our_type) \
  _Static_assert(sizeof(true_type) == sizeof(our_type), #our_type " has another size")
#define SAME_PLACE(true_type, true_member, our_type, our_member)                    \
  _Static_assert(offsetof(true_type, true_member) == offsetof(our_type, our_member), \
                 #our_type "." #our_member " is elsewhere")

#if VPX_EXT_RATECTRL_ABI_VERSION == 1
#define OURS(name) muzero_rc_abi1_##name
#define CONTROL 70
#define ENCODER_ABI_MIN 24
#define ENCODER_ABI_MAX 25
#elif VPX_EXT_RATECTRL_ABI_VERSION == 6
#define OURS(name) muzero_rc_abi6_##name
#define CONTROL 70
#define ENCODER_ABI_MIN 30
#define ENCODER_ABI_MAX 30
#elif VPX_EXT_RATECTRL_ABI_VERSION == 7
#define OURS(name) muzero_rc_abi7_##name
#define CONTROL 70
#define ENCODER_ABI_MIN 34
#define ENCODER_ABI_MAX 34
#elif VPX_EXT_RATECTRL_ABI_VERSION == 9
#define OURS(name) muzero_rc_abi9_##name
#define CONTROL 71
#define KEY_FRAME_FILTER 66
#define ENCODER_ABI_MIN 36
#define ENCODER_ABI_MAX 36
#elif VPX_EXT_RATECTRL_ABI_VERSION == 10
#define OURS(name) muzero_rc_abi9_##name
#define CONTROL 70
#define KEY_FRAME_FILTER 76
#define ENCODER_ABI_MIN 37
#define ENCODER_ABI_MAX 37
#elif VPX_EXT_RATECTRL_ABI_VERSION == 12
#define OURS(name) muzero_rc_abi12_##name
#define CONTROL 70
#define KEY_FRAME_FILTER 76
#define ENCODER_ABI_MIN 39
#define ENCODER_ABI_MAX 39
#else
#error "another external rate control ABI than those that muzero-rc knows: 1, 6, 7, 9, 10, 12"
#endif

typedef muzero_rc_abi6_decision muzero_rc_abi7_decision;
typedef muzero_rc_abi6_result muzero_rc_abi7_result;

_Static_assert(VP9E_SET_EXTERNAL_RATE_CONTROL == CONTROL, "the control has another number");
#ifdef KEY_FRAME_FILTER
_Static_assert(VP9E_SET_KEY_FRAME_FILTERING == KEY_FRAME_FILTER, "the control has another number");
#endif
_Static_assert(VPX_ENCODER_ABI_VERSION >= ENCODER_ABI_MIN &&
                   VPX_ENCODER_ABI_VERSION <= ENCODER_ABI_MAX,
               "the encoder has another ABI");
_Static_assert((int)VPX_RC_OK == (int)MUZERO_RC_VPX_OK &&
                   (int)VPX_RC_ERROR == (int)MUZERO_RC_VPX_ERROR,
               "the callbacks return other values");
_Static_assert(sizeof(vpx_rc_status_t) == sizeof(int), "the callbacks return another type");

SAME_SIZE(vpx_rc_funcs_t, OURS(funcs));
#define SAME_FUNCTION(name) SAME_PLACE(vpx_rc_funcs_t, name, OURS(funcs), name)
SAME_FUNCTION(create_model);
SAME_FUNCTION(send_firstpass_stats);
SAME_FUNCTION(get_encodeframe_decision);
SAME_FUNCTION(update_encodeframe_result);
SAME_FUNCTION(delete_model);
SAME_FUNCTION(priv);

SAME_SIZE(vpx_rc_firstpass_stats_t, muzero_rc_vpx_stats);
SAME_PLACE(vpx_rc_firstpass_stats_t, frame_stats, muzero_rc_vpx_stats, records);
SAME_PLACE(vpx_rc_firstpass_stats_t, num_frames, muzero_rc_vpx_stats, num_frames);

SAME_SIZE(vpx_rc_config_t, OURS(config));
#if VPX_EXT_RATECTRL_ABI_VERSION >= 9
#define SETTING(name) config.name
#else
#define SETTING(name) name
#endif
SAME_PLACE(vpx_rc_config_t, frame_width, OURS(config), SETTING(width));
SAME_PLACE(vpx_rc_config_t, frame_height, OURS(config), SETTING(height));
SAME_PLACE(vpx_rc_config_t, show_frame_count, OURS(config), SETTING(show_frame_count));
SAME_PLACE(vpx_rc_config_t, target_bitrate_kbps, OURS(config), SETTING(target_kbps));

SAME_SIZE(vpx_rc_encodeframe_decision_t, OURS(decision));
SAME_PLACE(vpx_rc_encodeframe_decision_t, q_index, OURS(decision), q_index);
#if VPX_EXT_RATECTRL_ABI_VERSION < 9
SAME_PLACE(vpx_rc_encodeframe_decision_t, max_frame_size, OURS(decision), max_frame_size);
#endif
#if VPX_EXT_RATECTRL_ABI_VERSION >= 12
SAME_PLACE(vpx_rc_encodeframe_decision_t, rdmult, OURS(decision), rdmult);
SAME_PLACE(vpx_rc_encodeframe_decision_t, delta_q_uv, OURS(decision), delta_q_uv);
SAME_PLACE(vpx_rc_encodeframe_decision_t, sb_params_list, OURS(decision), superblocks);
SAME_SIZE(sb_params, muzero_rc_abi12_superblock);
SAME_PLACE(sb_params, rdmult, muzero_rc_abi12_superblock, rdmult);
#endif

SAME_SIZE(vpx_rc_encodeframe_result_t, OURS(result));
SAME_PLACE(vpx_rc_encodeframe_result_t, bit_count, OURS(result), bit_count);
SAME_PLACE(vpx_rc_encodeframe_result_t, actual_encoding_qindex, OURS(result), qindex);
#if VPX_EXT_RATECTRL_ABI_VERSION < 9
SAME_PLACE(vpx_rc_encodeframe_result_t, sse, OURS(result), sse);
SAME_PLACE(vpx_rc_encodeframe_result_t, pixel_count, OURS(result), pixel_count);
#endif

#if VPX_EXT_RATECTRL_ABI_VERSION >= 6
_Static_assert((int)VPX_RC_QP == (int)MUZERO_RC_VPX_DECIDES_QP, "rc_type has other values");
SAME_FUNCTION(rc_type);
typedef muzero_rc_abi6_frame_info our_frame_info;
#define INFO(name) frame.name
#else
typedef muzero_rc_abi1_frame_info our_frame_info;
#define INFO(name) name
#endif
SAME_SIZE(vpx_rc_encodeframe_info_t, our_frame_info);
SAME_PLACE(vpx_rc_encodeframe_info_t, frame_type, our_frame_info, INFO(frame_type));
SAME_PLACE(vpx_rc_encodeframe_info_t, show_index, our_frame_info, INFO(show_index));
SAME_PLACE(vpx_rc_encodeframe_info_t, coding_index, our_frame_info, INFO(coding_index));
SAME_PLACE(vpx_rc_encodeframe_info_t, gop_index, our_frame_info, INFO(gop_index));
SAME_PLACE(vpx_rc_encodeframe_info_t, ref_frame_coding_indexes, our_frame_info,
           INFO(ref_coding_index));
SAME_PLACE(vpx_rc_encodeframe_info_t, ref_frame_valid_list, our_frame_info, INFO(ref_valid));

SAME_SIZE(vpx_rc_frame_stats_t, OURS(stats_record));
#define SAME_STATISTIC(name, member)                                                       \
  _Static_assert(offsetof(vpx_rc_frame_stats_t, member) ==                                 \
                     (size_t)MUZERO_RC_STAT_##name * sizeof(double),                       \
                 #member " of the first-pass statistics is elsewhere")
SAME_STATISTIC(FRAME, frame);
SAME_STATISTIC(WEIGHT, weight);
SAME_STATISTIC(INTRA_ERROR, intra_error);
SAME_STATISTIC(CODED_ERROR, coded_error);
SAME_STATISTIC(SECOND_REF_ERROR, sr_coded_error);
SAME_STATISTIC(NOISE, frame_noise_energy);
SAME_STATISTIC(INTER, pcnt_inter);
SAME_STATISTIC(MOTION, pcnt_motion);
SAME_STATISTIC(SECOND_REF, pcnt_second_ref);
SAME_STATISTIC(NEUTRAL, pcnt_neutral);
SAME_STATISTIC(INTRA_LOW, pcnt_intra_low);
SAME_STATISTIC(INTRA_HIGH, pcnt_intra_high);
SAME_STATISTIC(INTRA_SKIP, intra_skip_pct);
SAME_STATISTIC(INTRA_SMOOTH, intra_smooth_pct);
SAME_STATISTIC(INACTIVE_ROWS, inactive_zone_rows);
SAME_STATISTIC(INACTIVE_COLUMNS, inactive_zone_cols);
SAME_STATISTIC(VECTOR_ROW, MVr);
SAME_STATISTIC(VECTOR_ROW_ABS, mvr_abs);
SAME_STATISTIC(VECTOR_COLUMN, MVc);
SAME_STATISTIC(VECTOR_COLUMN_ABS, mvc_abs);
SAME_STATISTIC(ROW_VARIANCE, MVrv);
SAME_STATISTIC(COLUMN_VARIANCE, MVcv);
SAME_STATISTIC(VECTORS_INWARD, mv_in_out_count);
SAME_STATISTIC(DURATION, duration);
SAME_STATISTIC(COUNT, count);
