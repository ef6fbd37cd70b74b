/* Collects libvpx's output during one encode: packets, their figures, and of a first pass the
 * statistics. One thread writes; `progress` and `take_packets` may be called by any other
 * meanwhile. */
#ifndef MUZERO_RC_BRIDGE_OUTPUTS_H_
#define MUZERO_RC_BRIDGE_OUTPUTS_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "vpx/first_pass_notes.h"
#include "bridge/results.h"

typedef struct muzero_rc_outputs {
  bool keep_packets;
  atomic_int packets;
  atomic_llong packet_bytes;
  pthread_mutex_t lock; /* of `kept` */
  muzero_rc_array kept; /* muzero_rc_packet */
  muzero_rc_array shown; /* muzero_rc_shown */
  muzero_rc_array stats; /* bytes */
  int64_t psnr_sse[3];   /* of the packet to come: Y, U, V */
  size_t measured;       /* of `shown`: handed on by take_measured */
} muzero_rc_outputs;

int muzero_rc_outputs_open(muzero_rc_outputs *outputs, bool keep_packets);
void muzero_rc_outputs_close(muzero_rc_outputs *outputs);

/* Takes what the codec has ready; `notes` (may be NULL) notes in the statistics
 * what it knows of their frames. Returns how many packets, or -ENOMEM. */
int muzero_rc_outputs_drain(muzero_rc_outputs *outputs, const muzero_rc_libvpx *libvpx,
                            vpx_codec_ctx_t *codec, muzero_rc_first_pass_notes *notes);

/* The squared error of the next shown frame that was not asked for yet, all planes together, or
 * MUZERO_RC_SSE_UNKNOWN without PSNR. False when there is none. */
bool muzero_rc_outputs_take_measured(muzero_rc_outputs *outputs, int64_t *sse);

/* Hands over the packets kept so far: muzero_rc_packet. */
muzero_rc_array muzero_rc_outputs_take_packets(muzero_rc_outputs *outputs);

#endif /* MUZERO_RC_BRIDGE_OUTPUTS_H_ */
