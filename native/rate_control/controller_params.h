/* The controller's constants, fitted to random designs on training clips: first by
 * scripts/fit/tune_controller.py, then as docs/experiments.md tells. Offsets are in log2
 * quantizer steps relative to plain inter frames. */
#ifndef MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_
#define MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_

typedef struct muzero_rc_controller_params {
  float key;             /* offset of a key frame that nothing else lives on */
  float key_importance;  /* less per doubling of the frames that live on it */
  float key_coarse;      /* more per step by which the whole clip is coded coarser */
  float key_still;       /* more per share of still macroblocks over 0.6 */
  float key_steep;       /* per log2 by which bits fall more than usual with the quantizer */
  float key_short;       /* more per halving of the frames up to the next cut, from 128 on */
  float key_response;    /* per log2 of rate that the probe encodes' finer key frame saved */
  float key_noise;       /* where there is such a probe: more per log2 of noise energy */
  float key_dear;        /* the same per log2 of the clip's bits in the finer probe encode */
  float key_vectors;     /* the same per log2 of its motion vectors */
  float top;             /* the same for the alt-ref at a GOP's end */
  float top_importance;
  float top_coarse;
  float top_still;
  float top_last;        /* more where no frame after the GOP lives on it */
  float second;          /* share of the top's offset that the second layer gets */
  float deeper;          /* share of the layer above that deeper ones get */
  float gop_hardness;    /* offset per log2 of a GOP's error over the clip's */
  float gop_probe;       /* the same per log2 of its bits in the probe encodes */
  float gop_still;       /* the same per share of still macroblocks over 0.6 */
  float gop_last;        /* the same where no frame after the GOP lives on it */
  float frame_hardness;  /* offset per log2 of a frame's error over its GOP's */
  float overlay;         /* offset of overlays */
  float margin;          /* share of the target that is not spent */
  float optimism;        /* share of what is left that is promised on top at first, where probe
                            encodes tell */
  float damping;         /* how much of a new solution a frame inside a GOP takes */
  float fastest_fall;    /* by which the base may fall from frame to frame */
  float doubt;           /* log2 by which a frame may exceed its expected bits */
  float doubt_costly;    /* the same for key frames and a GOP's alt-ref */
  float guard_slack;     /* steps by which later frames may be asked to save */
} muzero_rc_controller_params;

extern const muzero_rc_controller_params muzero_rc_params;

#endif /* MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_ */
