/* Inference of a policy's network: encode_clip, represent and the policy head of
 * muzero_rc/agent/networks.py, operation for operation. Nothing here allocates except opening;
 * the caller hands in the memory. */
#ifndef MUZERO_RC_NETWORK_NETWORK_H_
#define MUZERO_RC_NETWORK_NETWORK_H_

#include <stddef.h>
#include <stdint.h>

#include "policy_file/policy_file.h"

enum {
  MUZERO_RC_BLOCKS_MAX = 8,  /* encoder layers, or step blocks */
  MUZERO_RC_WINDOWS_MAX = 4, /* windows ahead */
  MUZERO_RC_ACTIONS_MAX = 256
};

/* The metadata "network": name, smallest and largest of each size. */
#define MUZERO_RC_SIZES(SIZE)                   \
  SIZE(clip_features, 1, 1024)                  \
  SIZE(frame_features, 1, 1024)                 \
  SIZE(step_features, 1, 1024)                  \
  SIZE(width, 8, 512)                           \
  SIZE(encoder_layers, 0, MUZERO_RC_BLOCKS_MAX) \
  SIZE(step_blocks, 0, MUZERO_RC_BLOCKS_MAX)    \
  SIZE(latents, 1, 64)                          \
  SIZE(attention_heads, 1, 512)                 \
  SIZE(kernel, 1, 33)

typedef struct muzero_rc_sizes {
#define SIZE(name, low, high) int32_t name;
  MUZERO_RC_SIZES(SIZE)
#undef SIZE
  int32_t window_count;
  int32_t windows[MUZERO_RC_WINDOWS_MAX]; /* shown frames */
  int32_t actions;
} muzero_rc_sizes;

typedef struct muzero_rc_network muzero_rc_network;

/* Finds sizes and weights in `file`, which must outlive *network, for `actions`
 * policy logits. -EINVAL: a size out of range, a tensor missing, unknown or of
 * another shape; -ENOMEM. On failure `error` (may be NULL) holds one line. */
int muzero_rc_network_open(const muzero_rc_policy_file *file, int32_t actions,
                           muzero_rc_network **network, char *error, size_t error_size);

/* Sets *network to NULL; NULL is fine. */
void muzero_rc_network_close(muzero_rc_network **network);

const muzero_rc_sizes *muzero_rc_network_sizes(const muzero_rc_network *network);

/* Floats of scratch memory that encode and logits need. */
size_t muzero_rc_network_encode_scratch(const muzero_rc_network *network);
size_t muzero_rc_network_step_scratch(const muzero_rc_network *network);

/* Once per clip. clip: [clip features]; frames: [frame_count, frame features];
 * encoding: [frame_count, width]. Time and memory are linear in frame_count. */
void muzero_rc_network_encode(const muzero_rc_network *network, const float *clip,
                              const float *frames, int32_t frame_count, float *encoding,
                              float *scratch);

/* Once per coded frame. step: [step features]; show_index is clamped into the
 * clip; logits: [actions]. */
void muzero_rc_network_logits(const muzero_rc_network *network, const float *encoding,
                              int32_t frame_count, int32_t show_index, const float *step,
                              float *logits, float *scratch);

#endif /* MUZERO_RC_NETWORK_NETWORK_H_ */
