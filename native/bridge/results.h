/* Results of an encode: one record per libvpx result, one line per packet, the packets themselves
 * when wanted. */
#ifndef MUZERO_RC_BRIDGE_RESULTS_H_
#define MUZERO_RC_BRIDGE_RESULTS_H_

#include <muzero_rc/policy.h>

/* One per libvpx result. Of a show-existing frame, for which libvpx asks no
 * decision, frame_type and the indices are -1. */
typedef struct muzero_rc_record {
  int32_t frame_type;
  int32_t show_index;
  int32_t coding_index;
  int32_t gop_index;
  int32_t ref_coding_index[MUZERO_RC_REFERENCES];
  int32_t ref_valid[MUZERO_RC_REFERENCES];
  int32_t layer;
  int32_t q_ref;
  int32_t asked;
  int32_t qindex;
  int32_t fallback;
  int32_t planned; /* of the next GOP when the frame was asked for: its length, and its layers times
                      256; 0: nothing */
  int64_t sse;     /* against the source; -1: not known */
  int64_t bits;
  int32_t pixels; /* of all planes */
  int32_t sse_after; /* how many results there were, from this one on, when libvpx told sse; 0: it
                        came with this one. Logs of before have the upper half of pixels here. */
} muzero_rc_record;

/* One per packet, that is per shown frame. */
typedef struct muzero_rc_shown {
  int64_t pts;
  int64_t bytes;
  int64_t sse_y; /* -1 without PSNR, as the next two */
  int64_t sse_u;
  int64_t sse_v;
  int32_t key;
  int32_t reserved;
} muzero_rc_shown;

typedef struct muzero_rc_packet {
  int64_t pts;
  int32_t key;
  size_t size;
  uint8_t *data;
} muzero_rc_packet;

/* A growing array; `data` holds `count` items. */
typedef struct muzero_rc_array {
  void *data;
  size_t count;
  size_t capacity;
} muzero_rc_array;

/* Appends `count` items. 0 or -ENOMEM. */
int muzero_rc_array_append(muzero_rc_array *array, size_t item_size, const void *items,
                           size_t count);

/* Frees what the array holds; packets too have data of their own to free. */
void muzero_rc_array_close(muzero_rc_array *array);
void muzero_rc_packets_close(muzero_rc_array *packets);

#endif /* MUZERO_RC_BRIDGE_RESULTS_H_ */
