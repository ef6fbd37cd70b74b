/* A leaky bucket, the measure of a peak: every packet is poured in at the time of its frame,
 * `rate_bps` run out, and it never holds more than `size_bits`. In other words: the packets from any
 * one to any later one take at most size_bits + rate_bps times the time between the two. A player
 * that receives rate_bps and has size_bits of buffer, full when it begins, never runs dry. */
#ifndef MUZERO_RC_RATE_CONTROL_LEAKY_BUCKET_H_
#define MUZERO_RC_RATE_CONTROL_LEAKY_BUCKET_H_

typedef struct muzero_rc_leaky_bucket {
  double rate_bps;
  double size_bits;
  double bits;    /* in it after the last packet */
  double highest; /* that ever were */
} muzero_rc_leaky_bucket;

static inline void muzero_rc_leaky_bucket_leak(muzero_rc_leaky_bucket *bucket, double seconds) {
  bucket->bits -= bucket->rate_bps * seconds;
  if (bucket->bits < 0.0) bucket->bits = 0.0;
}

static inline void muzero_rc_leaky_bucket_pour(muzero_rc_leaky_bucket *bucket, double bits) {
  bucket->bits += bits;
  if (bucket->bits > bucket->highest) bucket->highest = bucket->bits;
}

#endif /* MUZERO_RC_RATE_CONTROL_LEAKY_BUCKET_H_ */
