/* The feature table: what a policy observes, in training and in use. Every feature has a name and
 * a unit; a changed table has a new version, and a policy file names the version that it was
 * trained with. A table begins with the columns of those before it that are still served. Values
 * are scaled to about [-2, 2]; a network needs no normaliser of its own. */
#ifndef MUZERO_RC_FEATURES_FEATURE_TABLE_H_
#define MUZERO_RC_FEATURES_FEATURE_TABLE_H_

#include "rate_control/clip_state.h"

typedef struct muzero_rc_feature {
  const char *name;
  const char *unit;
} muzero_rc_feature;

typedef struct muzero_rc_feature_table {
  const muzero_rc_feature *features;
  int32_t count;
} muzero_rc_feature_table;

/* The newest version, and the oldest that policies may still have been trained with. */
int32_t muzero_rc_feature_version(void);
int32_t muzero_rc_feature_oldest_version(void);

typedef struct muzero_rc_feature_widths {
  int32_t clip, frame, step; /* columns */
} muzero_rc_feature_widths;

/* How many columns a version has; false for one that is not served. */
bool muzero_rc_feature_widths_of(int32_t version, muzero_rc_feature_widths *widths);

/* Of the newest version: once per clip; once per shown frame of a clip; once per coded frame.
 * GOPs that might be: shape_features.h. */
muzero_rc_feature_table muzero_rc_clip_features(void);
muzero_rc_feature_table muzero_rc_frame_features(void);
muzero_rc_feature_table muzero_rc_step_features(void);

/* The columns of a served version. out: [clip features] */
void muzero_rc_observe_clip(const muzero_rc_clip_state *state, int32_t version, float *out);
/* out: [frame_count, frame features], row-major, display order */
void muzero_rc_observe_frames(const muzero_rc_clip_state *state, int32_t version, float *out);
/* out: [step features], of the pending frame */
void muzero_rc_observe_step(const muzero_rc_clip_state *state, int32_t version, float *out);

#endif /* MUZERO_RC_FEATURES_FEATURE_TABLE_H_ */
