#include "vpx/lookahead_worker.h"

#include <stdlib.h>
#include <string.h>

#include "lookahead/analysis.h"
#include "rate_control/lookahead_notes.h"
#include "vpx/convert.h"
#include "vpx/image.h"
#include "vpx/probe_workers.h"

enum { WAITING_MAX = 128 /* frames that a first pass may hold back */ };

struct muzero_rc_lookahead_worker {
  unsigned width, height;
  int32_t bit_depth;
  muzero_rc_workers *workers; /* one; what it does not own, it only reads */
  muzero_rc_lookahead *lookahead;
  uint8_t *luma;       /* of the frame that is looked at, a copy */
  bool busy;           /* the worker has it */
  int32_t seen, noted; /* frames */
  muzero_rc_lookahead_frame frames[WAITING_MAX];
  bool failed;
};

static void look(void *context, int number) {
  muzero_rc_lookahead_worker *const w = context;
  (void)number;
  muzero_rc_lookahead_push(w->lookahead, w->luma, w->width, &w->frames[w->seen % WAITING_MAX]);
}

muzero_rc_lookahead_worker *muzero_rc_lookahead_worker_open(unsigned width, unsigned height,
                                                            int32_t bit_depth) {
  muzero_rc_lookahead_worker *w = calloc(1, sizeof(*w));
  if (!w) return NULL;
  w->width = width;
  w->height = height;
  w->bit_depth = bit_depth;
  w->luma = malloc((size_t)width * height);
  if (!w->luma || muzero_rc_lookahead_open((int)width, (int)height, &w->lookahead) ||
      muzero_rc_workers_open("muzero-rc look", 1, look, w, &w->workers))
    muzero_rc_lookahead_worker_close(&w);
  return w;
}

void muzero_rc_lookahead_worker_close(muzero_rc_lookahead_worker **worker) {
  if (!*worker) return;
  muzero_rc_workers_close(&(*worker)->workers);
  muzero_rc_lookahead_close(&(*worker)->lookahead);
  free((*worker)->luma);
  free(*worker);
  *worker = NULL;
}

static void finish_frame(muzero_rc_lookahead_worker *w) {
  if (!w->busy) return;
  muzero_rc_workers_wait(w->workers);
  w->busy = false;
  ++w->seen;
}

void muzero_rc_lookahead_worker_frame(muzero_rc_lookahead_worker *w, const vpx_image_t *image) {
  const bool fits = image->d_w == w->width && image->d_h == w->height;
  finish_frame(w);
  if (!fits || w->seen - w->noted >= WAITING_MAX) w->failed = true;
  if (w->failed) return;
  muzero_rc_image_plane(image, VPX_PLANE_Y, w->bit_depth, w->luma);
  w->busy = true;
  muzero_rc_workers_begin(w->workers);
}

void muzero_rc_lookahead_worker_note(muzero_rc_lookahead_worker *w, const vpx_fixed_buf_t *packet) {
  muzero_rc_frame_stats stats;
  finish_frame(w);
  if (w->failed || w->noted == w->seen) return;
  if (!muzero_rc_packet_stats(packet, &stats) || (int32_t)stats.field[0] != w->noted) {
    w->failed = true; /* another frame than we think */
    return;
  }
  muzero_rc_lookahead_note_write(&stats, w->noted, &w->frames[w->noted % WAITING_MAX]);
  memcpy(packet->buf, &stats, sizeof(stats));
  ++w->noted;
}
