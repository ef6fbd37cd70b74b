#include "policy/shape_planner.h"

#include <stdbool.h>

static const float kUnreachable = -1e9f;

typedef struct choice {
  int32_t length;
  float worth; /* summed over frames up to the end */
} choice;

static float worth_of(const muzero_rc_shape_plan *plan, int32_t start, int32_t length) {
  const int32_t column = length - MUZERO_RC_SHAPE_SHORTEST;
  return (float)length * plan->worth[start * MUZERO_RC_SHAPE_LENGTHS + column];
}

/* One length for all GOPs from `start` on: it must divide what is left. */
static choice best_of_flush(const muzero_rc_shape_plan *plan, int32_t start) {
  choice best = {0, kUnreachable};
  const int32_t left = plan->end - start;
  for (int32_t length = MUZERO_RC_SHAPE_SHORTEST; length <= plan->longest; ++length) {
    if (length > left || left % length != 0) continue;
    float worth = 0.0f;
    for (int32_t at = start; at < plan->end; at += length) worth += worth_of(plan, at, length);
    if (worth > best.worth) best = (choice){length, worth};
  }
  return best;
}

static choice best_at(const muzero_rc_shape_plan *plan, int32_t start) {
  if (start >= plan->flush) return best_of_flush(plan, start);
  choice best = {0, kUnreachable};
  for (int32_t length = MUZERO_RC_SHAPE_SHORTEST; length <= plan->longest; ++length) {
    const int32_t next = start + length;
    if (next > plan->end) break;
    const float worth = worth_of(plan, start, length) + plan->best[next];
    if (worth > best.worth) best = (choice){length, worth};
  }
  return best;
}

/* What is left to libvpx is worth nothing, which is what a usual GOP is worth. */
int32_t muzero_rc_shape_plan_length(const muzero_rc_shape_plan *plan) {
  choice best = {0, 0.0f};
  plan->best[plan->end] = 0.0f;
  for (int32_t start = plan->end - 1; start >= plan->start; --start) {
    best = best_at(plan, start);
    plan->best[start] = best.length > 0 ? best.worth : 0.0f;
    plan->lengths[start] = best.length;
  }
  return best.length;
}

int32_t muzero_rc_shape_plan_ends(const muzero_rc_shape_plan *plan, int32_t *ends, int32_t most) {
  int32_t count = 0, length = 0;
  for (int32_t start = plan->start; start < plan->end && count < most; start += length) {
    const bool in_flush = start > plan->flush && start - length >= plan->flush;
    if (!in_flush) length = plan->lengths[start]; /* those of the flush share one */
    if (length <= 0) break;
    ends[count++] = start + length;
  }
  return count;
}
