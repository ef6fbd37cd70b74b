/* All fitted constants of rate control but the bits model's (bits_table.h). The offsets are
 * fitted to random designs on training clips: as `rc-train offsets` draws them
 * (docs/experiments tells of each); they are in log2 quantizer steps relative to plain inter frames. */
#ifndef MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_
#define MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_

#include <stdint.h>

/* What a frame's offset is made of. A policy may move these (policy/offset_moves.h). */
typedef struct muzero_rc_offset_params {
  float key;             /* offset of a key frame that nothing else lives on */
  float key_importance;  /* less per doubling of the frames that live on it */
  float key_coarse;      /* more per step by which the whole clip is coded coarser */
  float key_still;       /* more per share of still macroblocks over the usual */
  float key_steep;       /* per log2 by which bits fall more than usual with the quantizer */
  float key_short;       /* more per halving of the frames up to the next cut, from 128 on */
  float key_response;    /* per log2 of rate that finer key frames saved in the probe encodes */
  float key_noise;       /* where that is known: more per log2 of noise energy */
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
  float gop_still;       /* the same per share of still macroblocks over the usual */
  float gop_last;        /* the same where no frame after the GOP lives on it */
  float frame_hardness;  /* offset per log2 of a frame's error over its GOP's */
  float overlay;         /* offset of overlays */
} muzero_rc_offset_params;

typedef struct muzero_rc_controller_params {
  muzero_rc_offset_params offsets;
  float margin;          /* share of the target that is not spent */
  float optimism;        /* share of what is left that is promised on top at first, where probe
                            encodes tell */
  float damping;         /* how much of a new solution a frame inside a GOP takes */
  float fastest_fall;    /* by which the base may fall from frame to frame */
  float doubt;           /* log2 by which a frame may exceed its expected bits */
  float doubt_costly;    /* the same for key frames and a GOP's alt-ref */
  float doubt_late_key;  /* the same for key frames after the first */
  float doubt_most;      /* of an alt-ref after others that exceeded theirs */
  float usual_excess;    /* log2 by which an alt-ref exceeds what is expected before it is doubted more */
  float usual_finer;     /* steps by which an alt-ref is finer than its references before it is doubted more */
  float excess_fades;    /* by this factor a frame, what they exceeded them by */
  float guard_slack;     /* steps by which later frames may be asked to save */

  /* What training clips usually have: where terms of an offset are 0. */
  float usual_base;      /* step of plain inter frames: qindex 144 */
  float usual_still;     /* share of still macroblocks */
  float usual_scene;     /* log2 of frames: 128, after which libvpx puts a key frame */
  float usual_response;  /* of the probe encodes' finer key frame */
  float usual_noise;     /* log2 of noise energy */
  float usual_bits;      /* log2 of bits per pixel of the finer probe encode */
  float usual_vectors;   /* log2 of motion vectors */
  float usual_steepness; /* log2 by which bits fall from the finer to the coarser probe encode */

  /* Bounds beyond which nothing was tried. */
  float deepest_offset; /* of key frames and alt-refs, before what their GOP shares */
  float highest_offset;
  float most_evidence;  /* by which probe encodes may move a key frame's offset */
  float least_bits;     /* log2 of the fewest bits that a frame takes: 19 bytes, all of it header */
  float known_hardness; /* log2 of a GOP's error or bits to the clip's */
  int32_t key_span;     /* frames that a key frame's offset goes by */
  int32_t last_frames;  /* so near the end a new solution is taken at once */

  /* How fast the bits model's error is learnt. */
  double forget;             /* weight of the frame before: memory of about 12 frames */
  double prior_share;        /* the model is worth this share of the clip's bits at first */
  double prior_share_probed; /* the same where it has seen probe encodes */
  double layer_prior_frames; /* after so many a layer's own error counts as much as all layers' */
  double most_surprise; /* factor by which one frame may be off, as far as is learned from it */

  /* What is read from first-pass statistics. */
  float inherited;   /* share of a frame's quality that survives the next frame's coding */
  float cut_inter;   /* a cut has a smaller share of inter macroblocks than this, */
  float cut_error;   /* and a log2 of coded over intra error above this */
  float least_slope; /* dB that twice the bits buy at least */
} muzero_rc_controller_params;

extern const muzero_rc_controller_params muzero_rc_params;

#endif /* MUZERO_RC_RATE_CONTROL_CONTROLLER_PARAMS_H_ */
