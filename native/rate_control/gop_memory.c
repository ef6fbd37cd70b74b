#include "rate_control/gop_memory.h"

void muzero_rc_gop_memory_begin(muzero_rc_gop_memory *memory,
                                const muzero_rc_gop_schedule *schedule) {
  if (schedule->gop_count != memory->begun) {
    memory->begun = schedule->gop_count;
    if (memory->present.coded > 0) {
      for (int i = MUZERO_RC_GOPS_REMEMBERED - 1; i > 0; --i)
        memory->before[i] = memory->before[i - 1];
      memory->before[0] = memory->present;
    }
    memory->present = (muzero_rc_gop_result){0};
  }
  memory->present.length = schedule->gop_end - schedule->gop_start;
  if (schedule->hidden_count > memory->present.hidden)
    memory->present.hidden = schedule->hidden_count;
}

void muzero_rc_gop_memory_add(muzero_rc_gop_memory *memory, int64_t bits, float quality) {
  memory->present.bits += (double)bits;
  if (quality <= 0.0f) return;
  memory->present.quality += quality;
  ++memory->present.coded;
}
