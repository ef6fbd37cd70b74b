#include "bridge/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void forget_psnr(muzero_rc_outputs *outputs) {
  for (int plane = 0; plane < 3; ++plane) outputs->psnr_sse[plane] = -1;
}

int muzero_rc_outputs_open(muzero_rc_outputs *outputs, bool keep_packets) {
  *outputs = (muzero_rc_outputs){.keep_packets = keep_packets};
  forget_psnr(outputs);
  return -pthread_mutex_init(&outputs->lock, NULL);
}

void muzero_rc_outputs_close(muzero_rc_outputs *outputs) {
  muzero_rc_packets_close(&outputs->kept);
  muzero_rc_array_close(&outputs->shown);
  muzero_rc_array_close(&outputs->stats);
  pthread_mutex_destroy(&outputs->lock);
}

static int keep_packet(muzero_rc_outputs *outputs, const muzero_rc_shown *shown,
                       const void *data) {
  muzero_rc_packet packet = {.pts = shown->pts,
                             .key = shown->key,
                             .size = (size_t)shown->bytes,
                             .data = malloc((size_t)shown->bytes)};
  if (!packet.data) return -ENOMEM;
  memcpy(packet.data, data, packet.size);
  pthread_mutex_lock(&outputs->lock);
  const int error = muzero_rc_array_append(&outputs->kept, sizeof(packet), &packet, 1);
  pthread_mutex_unlock(&outputs->lock);
  if (error) free(packet.data);
  return error;
}

static int take_frame(muzero_rc_outputs *outputs, const vpx_codec_cx_pkt_t *packet) {
  const muzero_rc_shown shown = {.pts = packet->data.frame.pts,
                                 .bytes = (int64_t)packet->data.frame.sz,
                                 .key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0,
                                 .sse_y = outputs->psnr_sse[0],
                                 .sse_u = outputs->psnr_sse[1],
                                 .sse_v = outputs->psnr_sse[2]};
  forget_psnr(outputs);
  atomic_fetch_add(&outputs->packets, 1);
  atomic_fetch_add(&outputs->packet_bytes, shown.bytes);
  int error = muzero_rc_array_append(&outputs->shown, sizeof(shown), &shown, 1);
  if (!error && outputs->keep_packets)
    error = keep_packet(outputs, &shown, packet->data.frame.buf);
  return error;
}

static int take(muzero_rc_outputs *outputs, const vpx_codec_cx_pkt_t *packet,
                muzero_rc_first_pass_notes *notes) {
  const vpx_fixed_buf_t *const stats = &packet->data.twopass_stats;
  switch (packet->kind) {
    case VPX_CODEC_STATS_PKT:
      if (notes) muzero_rc_first_pass_notes_write(notes, stats);
      return muzero_rc_array_append(&outputs->stats, 1, stats->buf, stats->sz);
    case VPX_CODEC_PSNR_PKT: /* comes before its frame */
      for (int plane = 0; plane < 3; ++plane)
        outputs->psnr_sse[plane] = (int64_t)packet->data.psnr.sse[plane + 1];
      return 0;
    case VPX_CODEC_CX_FRAME_PKT:
      return take_frame(outputs, packet);
    default:
      return 0;
  }
}

int muzero_rc_outputs_drain(muzero_rc_outputs *outputs, const muzero_rc_libvpx *libvpx,
                            vpx_codec_ctx_t *codec, muzero_rc_first_pass_notes *notes) {
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  int count = 0;
  while ((packet = libvpx->get_cx_data(codec, &iterator)) != NULL) {
    const int error = take(outputs, packet, notes);
    if (error) return error;
    ++count;
  }
  return count;
}

bool muzero_rc_outputs_take_measured(muzero_rc_outputs *outputs, int64_t *sse) {
  if (outputs->measured == outputs->shown.count) return false;
  const muzero_rc_shown *const shown =
      (const muzero_rc_shown *)outputs->shown.data + outputs->measured++;
  *sse = shown->sse_y < 0 ? MUZERO_RC_SSE_UNKNOWN : shown->sse_y + shown->sse_u + shown->sse_v;
  return true;
}

muzero_rc_array muzero_rc_outputs_take_packets(muzero_rc_outputs *outputs) {
  pthread_mutex_lock(&outputs->lock);
  const muzero_rc_array packets = outputs->kept;
  outputs->kept = (muzero_rc_array){0};
  pthread_mutex_unlock(&outputs->lock);
  return packets;
}
