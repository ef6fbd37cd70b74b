#include "rate_control/frame_traits.h"

#include <math.h>

#include "rate_control/controller_params.h"
#include "rate_control/quantizer.h"

static float finite_field(const muzero_rc_frame_stats *stats, int32_t position) {
  const double value = stats->field[position];
  if (!isfinite(value)) return 0.0f;
  return (float)(value > 1e12 ? 1e12 : (value < -1e12 ? -1e12 : value));
}

static float log_of(const muzero_rc_frame_stats *stats, int32_t position) {
  const float value = finite_field(stats, position);
  return muzero_rc_log2(1.0f + (value > 0.0f ? value : 0.0f));
}

static muzero_rc_frame_traits traits_of(const muzero_rc_frame_stats *stats) {
  const float row = finite_field(stats, MUZERO_RC_STAT_VECTOR_ROW_ABS);
  const float column = finite_field(stats, MUZERO_RC_STAT_VECTOR_COLUMN_ABS);
  return (muzero_rc_frame_traits){
      .intra = log_of(stats, MUZERO_RC_STAT_INTRA_ERROR),
      .coded = log_of(stats, MUZERO_RC_STAT_CODED_ERROR),
      .second_error = log_of(stats, MUZERO_RC_STAT_SECOND_REF_ERROR),
      .noise = log_of(stats, MUZERO_RC_STAT_NOISE),
      .inter = finite_field(stats, MUZERO_RC_STAT_INTER),
      .motion = finite_field(stats, MUZERO_RC_STAT_MOTION),
      .second_ref = finite_field(stats, MUZERO_RC_STAT_SECOND_REF),
      .neutral = finite_field(stats, MUZERO_RC_STAT_NEUTRAL),
      .intra_skip = finite_field(stats, MUZERO_RC_STAT_INTRA_SKIP),
      .intra_smooth = finite_field(stats, MUZERO_RC_STAT_INTRA_SMOOTH),
      .vectors = muzero_rc_log2(1.0f + (row + column > 0.0f ? row + column : 0.0f)),
  };
}

/* How much of a frame's quality comes from the frame before: the share of
 * macroblocks that inter prediction serves times the share of energy that it
 * explains. A little is lost on the way, as later frames are coded afresh. */
static float inherited(const muzero_rc_frame_traits *traits) {
  float explained = 1.0f - muzero_rc_exp2(traits->coded - traits->intra);
  float inter = traits->inter;
  explained = explained < 0.0f ? 0.0f : explained;
  inter = inter < 0.0f ? 0.0f : (inter > 1.0f ? 1.0f : inter);
  return muzero_rc_params.inherited * explained * inter;
}

/* Sums of inherited shares along the chain of frames, in either direction: what
 * x264 calls mb-tree, for whole frames. */
static void fill_importance(muzero_rc_frame_traits *traits, int32_t count) {
  traits[count - 1].forward = 0.0f;
  for (int32_t frame = count - 2; frame >= 0; --frame) {
    traits[frame].forward = inherited(&traits[frame + 1]) * (1.0f + traits[frame + 1].forward);
  }
  traits[0].backward = 0.0f;
  for (int32_t frame = 1; frame < count; ++frame) {
    traits[frame].backward = inherited(&traits[frame]) * (1.0f + traits[frame - 1].backward);
  }
}

/* A frame that inter prediction does not help is where libvpx puts a key frame. */
static bool looks_like_cut(const muzero_rc_frame_traits *traits) {
  return traits->inter < muzero_rc_params.cut_inter &&
         traits->coded - traits->intra > muzero_rc_params.cut_error;
}

static void fill_scenes(muzero_rc_frame_traits *traits, int32_t count) {
  traits[count - 1].scene = 0;
  for (int32_t frame = count - 2; frame >= 0; --frame) {
    const bool cut = looks_like_cut(&traits[frame + 1]);
    traits[frame].scene = cut ? 0 : traits[frame + 1].scene + 1;
  }
}

void muzero_rc_frame_traits_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                 muzero_rc_frame_traits *traits) {
  float sum = 0.0f;
  for (int32_t frame = 0; frame < count; ++frame) {
    traits[frame] = traits_of(&stats[frame]);
  }
  if (count > 1) {
    const float intra = traits[0].intra;
    traits[0] = traits[1];
    traits[0].intra = intra;
  }
  for (int32_t frame = 0; frame < count; ++frame) {
    sum += muzero_rc_exp2(traits[frame].coded) - 1.0f;
    traits[frame].coded_sum = sum;
  }
  fill_importance(traits, count);
  fill_scenes(traits, count);
}

double muzero_rc_shown_seconds(const muzero_rc_frame_stats *stats, int32_t count) {
  double ticks = 0.0;
  for (int32_t frame = 0; frame < count; ++frame) {
    /* What follows the point is a note's: lookahead_notes.h. */
    const double duration = floor(stats[frame].field[MUZERO_RC_STAT_DURATION]);
    if (isfinite(duration) && duration > 0.0) ticks += duration;
  }
  return ticks / 1e7;
}

/* What frames first..last took in the probe encodes. */
static void fill_probe(const muzero_rc_frame_traits *traits, int32_t first, int32_t last,
                       muzero_rc_frame_span *span) {
  const float least = 1e-7f;
  float bits[MUZERO_RC_PROBE_LEVELS];
  if (traits[last].probe_sum[0] <= 0.0) return;
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    const double before = first > 0 ? traits[first - 1].probe_sum[level] : 0.0;
    const float mean =
        (float)((traits[last].probe_sum[level] - before) / (double)(last - first + 1));
    bits[level] = muzero_rc_log2(mean > least ? mean : least);
  }
  span->probe = 0.5f * (bits[0] + bits[1]);
  span->steepness = bits[0] - bits[1] - muzero_rc_params.usual_steepness;
}

muzero_rc_frame_span muzero_rc_frame_span_of(const muzero_rc_frame_traits *traits, int32_t count,
                                             int32_t first, int32_t last) {
  muzero_rc_frame_span span = {0};
  if (first < 0) first = 0;
  if (last >= count) last = count - 1;
  if (first > last) first = last;
  for (int32_t frame = first; frame <= last; ++frame) {
    span.predicted += traits[frame].coded - traits[frame].intra;
    span.still += traits[frame].inter - traits[frame].motion;
    span.coded += traits[frame].coded;
    span.noise += traits[frame].noise;
    span.vectors += traits[frame].vectors;
  }
  const float scale = 1.0f / (float)(last - first + 1);
  span.predicted *= scale;
  span.still *= scale;
  span.coded *= scale;
  span.noise *= scale;
  span.vectors *= scale;
  span.followers = traits[last].scene;
  fill_probe(traits, first, last, &span);
  return span;
}
