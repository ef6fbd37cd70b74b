/* The weights of a network, found in its file by the names that the modules of
 * muzero_rc/agent/networks.py have. */
#ifndef MUZERO_RC_NETWORK_WEIGHTS_H_
#define MUZERO_RC_NETWORK_WEIGHTS_H_

#include "network/network.h"

typedef struct muzero_rc_linear {
  const float *weights; /* [inputs, outputs] */
  const float *bias;    /* [outputs]; NULL: none */
  int32_t inputs;
  int32_t outputs;
} muzero_rc_linear;

typedef struct muzero_rc_norm {
  const float *scale;  /* [width] */
  const float *offset; /* [width] */
} muzero_rc_norm;

/* A residual MLP. */
typedef struct muzero_rc_block {
  muzero_rc_norm norm;
  muzero_rc_linear in;  /* width -> 2 width */
  muzero_rc_linear out; /* 2 width -> width */
} muzero_rc_block;

typedef struct muzero_rc_encoder_layer {
  muzero_rc_norm conv_norm;
  const float *conv; /* [kernel, width] */
  muzero_rc_linear conv_out;
  muzero_rc_norm attention_norm;
  const float *latents; /* [latents, width] */
  muzero_rc_linear key;
  muzero_rc_linear value;
  muzero_rc_linear query;
  muzero_rc_linear latent_key;
  muzero_rc_linear latent_value;
  muzero_rc_linear attention_out;
  muzero_rc_block mlp;
} muzero_rc_encoder_layer;

struct muzero_rc_network {
  muzero_rc_sizes sizes;
  muzero_rc_linear clip_in;
  muzero_rc_linear clip_constants;
  muzero_rc_encoder_layer layers[MUZERO_RC_BLOCKS_MAX];
  muzero_rc_norm clip_norm;
  muzero_rc_linear step_in;
  muzero_rc_linear step_out;
  muzero_rc_block blocks[MUZERO_RC_BLOCKS_MAX];
  muzero_rc_norm step_norm;
  muzero_rc_linear policy;
};

#endif /* MUZERO_RC_NETWORK_WEIGHTS_H_ */
