#include "bridge/asker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "features/feature_table.h"

size_t muzero_rc_event_size(void) {
  return sizeof(muzero_rc_event) + (size_t)muzero_rc_step_features().count * sizeof(float);
}

int muzero_rc_asker_open(muzero_rc_asker *asker, muzero_rc_mailbox *mailbox, int32_t slot) {
  asker->mailbox = mailbox;
  asker->slot = slot;
  asker->event = calloc(1, muzero_rc_event_size());
  return asker->event ? 0 : -ENOMEM;
}

void muzero_rc_asker_close(muzero_rc_asker *asker) {
  free(asker->event);
  asker->event = NULL;
}

static int ask(muzero_rc_asker *asker, muzero_rc_event_kind kind, int32_t *answer) {
  asker->event->slot = asker->slot;
  asker->event->kind = kind;
  atomic_store(&asker->kind, kind);
  const int64_t start_ns = muzero_rc_now_ns();
  const int error = muzero_rc_mailbox_ask(asker->mailbox, asker->slot, asker->event, answer);
  asker->wait_ns += muzero_rc_now_ns() - start_ns;
  atomic_store(&asker->kind, 0);
  return error;
}

int muzero_rc_ask_qindex(void *self, const muzero_rc_clip_state *state,
                         const muzero_rc_frame_request *request, muzero_rc_decision *decision) {
  muzero_rc_asker *const asker = self;
  muzero_rc_event *const event = asker->event;
  event->frame_type = request->frame_type;
  event->show_index = request->show_index;
  event->coding_index = request->coding_index;
  event->gop_index = request->gop_index;
  memcpy(event->ref_coding_index, request->ref_coding_index, sizeof(event->ref_coding_index));
  memcpy(event->ref_valid, request->ref_valid, sizeof(event->ref_valid));
  event->layer = muzero_rc_clip_state_layer(state);
  event->q_ref = decision->q_ref;
  event->frames_left = 0;
  event->flush = 0;
  muzero_rc_observe_step(state, muzero_rc_feature_version(), event->step);
  return ask(asker, MUZERO_RC_EVENT_DECISION, &decision->asked);
}

int32_t muzero_rc_shape_to_answer(const muzero_rc_gop_shape *shape) {
  return shape->length | (shape->layers + 1) << 8 | (shape->strength + 1) << 12 |
         (shape->frames + 1) << 16;
}

static muzero_rc_gop_shape shape_of(int32_t answer) {
  return (muzero_rc_gop_shape){.length = answer & 255,
                               .layers = (answer >> 8 & 15) - 1,
                               .strength = (answer >> 12 & 15) - 1,
                               .frames = (answer >> 16 & 31) - 1};
}

int muzero_rc_ask_shape(void *self, const muzero_rc_clip_state *state,
                        const muzero_rc_shape_question *question, muzero_rc_gop_shape *shape) {
  (void)state; /* no frame is pending: the step features speak of the last one */
  muzero_rc_asker *const asker = self;
  muzero_rc_event *const event = asker->event;
  int32_t answer = 0;
  memset(event, 0, muzero_rc_event_size());
  event->frame_type = -1;
  event->layer = -1;
  event->show_index = question->show_index;
  event->gop_index = question->gop_index;
  event->frames_left = question->frames_left;
  event->flush = question->flush;
  const int error = ask(asker, MUZERO_RC_EVENT_SHAPE, &answer);
  if (!error) *shape = shape_of(answer);
  return error;
}
