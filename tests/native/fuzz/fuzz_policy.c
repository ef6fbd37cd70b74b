/* libFuzzer: whatever the bytes, the reader refuses them or a network runs. */
#include <stdint.h>
#include <stdlib.h>

#include "policy/policy_impl.h"

enum { FRAMES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void run(const muzero_rc_network *network) {
  const muzero_rc_sizes *s = muzero_rc_network_sizes(network);
  const size_t encode = muzero_rc_network_encode_scratch(network);
  const size_t step = muzero_rc_network_step_scratch(network);
  float *features = calloc((size_t)(s->clip_features + FRAMES * s->frame_features), sizeof(float));
  float *steps = calloc((size_t)s->step_features, sizeof(float));
  float *encoding = malloc(FRAMES * (size_t)s->width * sizeof(float));
  float *scratch = malloc((encode > step ? encode : step) * sizeof(float));
  float *logits = malloc((size_t)s->actions * sizeof(float));
  if (features && steps && encoding && scratch && logits) {
    muzero_rc_network_encode(network, features, features + s->clip_features, FRAMES, encoding,
                             scratch);
    muzero_rc_network_logits(network, encoding, FRAMES, 1, steps, logits, scratch);
  }
  free(features);
  free(steps);
  free(encoding);
  free(scratch);
  free(logits);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  muzero_rc_policy policy = {0};
  muzero_rc_network *network = NULL;
  char error[200];
  if (muzero_rc_policy_file_open_bytes(bytes, size, &policy.file, error, sizeof(error)) == 0) {
    (void)muzero_rc_policy_interpret(&policy, error, sizeof(error));
    muzero_rc_network_close(&policy.network);
    /* Also past a feature version that is not this build's. */
    if (muzero_rc_network_open(&policy.file, 3, &network, error, sizeof(error)) == 0) {
      run(network);
      muzero_rc_network_close(&network);
    }
  }
  muzero_rc_policy_file_close(&policy.file);
  return 0;
}
