/* The order in which libvpx codes frames, rebuilt where it says only a frame's place in its GOP
 * (1.15 and newer): type, show and coding index, and references of the frame that is asked for.
 *
 * libvpx asks by the index of the GOP's entry. Entry 0 is a key frame, a golden frame, or the
 * overlay of the GOP before, which a pyramid shows again without asking. In a GOP with an alt-ref
 * it first asks ahead, for entry 1 to the last, whatever they are; so the GOP's length is known
 * before its alt-ref is coded, and the rest follows: libvpx halves every interval of three or
 * more frames with one more alt-ref, as deep as there are layers. Then it asks again, from entry
 * 1 on, and shows middle alt-refs again without asking.
 *
 * Whether entry 1 is asked ahead cannot be seen: it is foretold from the statistics whether the
 * GOP has an alt-ref (it has, unless it is short or static). Where that was wrong, a frame that
 * was taken for a question ahead is coded as guessed, and the result says so. */
#ifndef MUZERO_RC_VPX_FRAME_ORDER_H_
#define MUZERO_RC_VPX_FRAME_ORDER_H_

#include "vpx/key_frames.h"

enum { MUZERO_RC_GOP_ENTRIES_MAX = 128, MUZERO_RC_ALT_REFS_MAX = 16 };

typedef enum muzero_rc_gop_entry_kind {
  MUZERO_RC_ENTRY_FIRST,
  MUZERO_RC_ENTRY_ALT_REF,
  MUZERO_RC_ENTRY_INTER,
  MUZERO_RC_ENTRY_SHOW_AGAIN
} muzero_rc_gop_entry_kind;

typedef struct muzero_rc_gop_entry {
  muzero_rc_gop_entry_kind kind;
  int32_t shown; /* frames after the GOP's first */
} muzero_rc_gop_entry;

typedef enum muzero_rc_gop_phase {
  MUZERO_RC_GOP_BEGINS,      /* entry 0 comes next */
  MUZERO_RC_GOP_OPEN,        /* entry 0 is there, of the rest nothing is known */
  MUZERO_RC_GOP_ASKED_AHEAD, /* up to entry `ahead` */
  MUZERO_RC_GOP_PLANNED,     /* it has an alt-ref, and `entries` */
  MUZERO_RC_GOP_FLAT         /* it has none, and ends where entry 0 is asked for again */
} muzero_rc_gop_phase;

/* Coding indices of what is referred to. */
typedef struct muzero_rc_references {
  int32_t last, golden, alt;
  int32_t waiting[MUZERO_RC_ALT_REFS_MAX]; /* what `alt` was before the alt-refs of this GOP */
  int32_t waiting_count;
} muzero_rc_references;

typedef struct muzero_rc_frame_order {
  muzero_rc_order_settings settings; /* as they are now */
  int32_t own_min_gf_interval;
  muzero_rc_frame_stats *stats; /* [count], its own */
  int32_t count;
  int32_t key, next_key; /* show indices of the last key frame and the next */
  muzero_rc_gop_phase phase;
  int32_t start;    /* show index of the GOP's first frame */
  int32_t position; /* of the next entry */
  int32_t ahead;
  int32_t length; /* of a GOP with an alt-ref: frames up to it */
  muzero_rc_gop_entry entries[MUZERO_RC_GOP_ENTRIES_MAX];
  int32_t entry_count;
  bool alt_ref_waits;       /* the last GOP's alt-ref is not shown yet */
  bool gop_follows_alt_ref; /* this GOP began with showing it */
  int32_t coding_index; /* of the next frame, those shown again counted */
  muzero_rc_references references;
  muzero_rc_frame_request pending; /* asked for, without a result */
  bool is_pending;
  int32_t first_qindex, alt_ref_qindex, inter_qindex; /* the last of each; 0: none yet */
} muzero_rc_frame_order;

/* What became of a result. */
typedef struct muzero_rc_coded_frame {
  muzero_rc_frame_request request; /* coding_index is -1 of a frame that is shown again */
  bool is_shown;
  bool was_guessed; /* coded with a guess, without having been asked for */
} muzero_rc_coded_frame;

/* The zeroed *order owns a copy of `stats`, [count]. -ENOMEM. */
int muzero_rc_frame_order_open(muzero_rc_frame_order *order, const muzero_rc_clip *clip,
                               const muzero_rc_order_settings *settings,
                               const muzero_rc_frame_stats *stats);

/* The next GOP has other layers than the settings say, and another min_gf_interval; 0: its own. */
void muzero_rc_frame_order_shape(muzero_rc_frame_order *order, int32_t layers,
                                 int32_t min_gf_interval);

/* Frees and zeroes; a zeroed one is fine. */
void muzero_rc_frame_order_close(muzero_rc_frame_order *order);

/* libvpx asks for an entry. True: for a frame that it codes now, *request; false: ahead. */
bool muzero_rc_frame_order_ask(muzero_rc_frame_order *order, int32_t gop_index,
                               muzero_rc_frame_request *request);

/* What to answer to a question ahead: the qindex of the last frame that was likely of its kind. */
int32_t muzero_rc_frame_order_guess(const muzero_rc_frame_order *order, int32_t gop_index);

/* A result came, of a frame coded with `qindex` or of one that is shown again. */
muzero_rc_coded_frame muzero_rc_frame_order_result(muzero_rc_frame_order *order, int32_t qindex);

#endif /* MUZERO_RC_VPX_FRAME_ORDER_H_ */
