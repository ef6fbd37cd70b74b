#include "vpx/first_pass_notes.h"

#include <stdlib.h>

#include "rate_control/probe_notes.h"
#include "vpx/convert.h"
#include "vpx/lookahead_worker.h"
#include "vpx/probe_encoder.h"

struct muzero_rc_first_pass_notes {
  muzero_rc_probe_encoder *probe;
  muzero_rc_lookahead_worker *lookahead;
};

muzero_rc_first_pass_notes *muzero_rc_first_pass_notes_open(const muzero_rc_libvpx *libvpx,
                                                            unsigned width, unsigned height,
                                                            int32_t bit_depth) {
  muzero_rc_first_pass_notes *notes = calloc(1, sizeof(*notes));
  if (!notes) return NULL;
  notes->probe = muzero_rc_probe_encoder_open(libvpx, width, height, bit_depth);
  if (notes->probe)
    notes->lookahead = muzero_rc_lookahead_worker_open(width, height, bit_depth);
  if (!notes->lookahead) muzero_rc_first_pass_notes_close(&notes);
  return notes;
}

void muzero_rc_first_pass_notes_close(muzero_rc_first_pass_notes **notes) {
  if (!*notes) return;
  muzero_rc_lookahead_worker_close(&(*notes)->lookahead);
  muzero_rc_probe_encoder_close(&(*notes)->probe);
  free(*notes);
  *notes = NULL;
}

bool muzero_rc_first_pass_is_noted(const void *blob, int32_t frames, int fields) {
  muzero_rc_frame_stats first;
  muzero_rc_probe_note note;
  if (frames < 1) return false;
  muzero_rc_blob_stats(blob, 1, fields, &first);
  return muzero_rc_probe_note_read(&first, 0, &note);
}

void muzero_rc_first_pass_notes_frame(muzero_rc_first_pass_notes *notes, const vpx_image_t *image) {
  muzero_rc_lookahead_worker_frame(notes->lookahead, image);
  muzero_rc_probe_encoder_frame(notes->probe, image);
}

void muzero_rc_first_pass_notes_write(muzero_rc_first_pass_notes *notes,
                                      const vpx_fixed_buf_t *packet) {
  muzero_rc_probe_encoder_note(notes->probe, packet);
  muzero_rc_lookahead_worker_note(notes->lookahead, packet);
}
