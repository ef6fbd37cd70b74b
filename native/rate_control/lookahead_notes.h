/* What the lookahead says of a frame, noted in its first-pass statistics: in four numbers of
 * which libvpx's second pass reads nothing but their totals, which belong to no frame, or what
 * lies above the note. So whoever hands the statistics on, hands on the notes, and libvpx codes
 * the same bits. The numbers keep their meaning: the frame's number and its duration are whole
 * numbers still when rounded down, the count is 1 when rounded, and the columns without a
 * picture, always 0, become a trifle less. Statistics without notes are still valid. */
#ifndef MUZERO_RC_RATE_CONTROL_LOOKAHEAD_NOTES_H_
#define MUZERO_RC_RATE_CONTROL_LOOKAHEAD_NOTES_H_

#include <muzero_rc/policy.h>

#include "lookahead/analysis.h"

/* Notes what is told of shown frame `show`. Nothing where the numbers leave no room: more
 * than a million frames, or one that is shown for more than 26 s. */
void muzero_rc_lookahead_note_write(muzero_rc_frame_stats *stats, int32_t show,
                                    const muzero_rc_lookahead_frame *told);

/* What was noted; false when there is no note of this very frame. */
bool muzero_rc_lookahead_note_read(const muzero_rc_frame_stats *stats, int32_t show,
                                   muzero_rc_lookahead_frame *noted);

/* Reads the notes of a clip into frames, [count]. False when one is missing; then all
 * frames are 0. */
bool muzero_rc_lookahead_notes_read(const muzero_rc_frame_stats *stats, int32_t count,
                                    muzero_rc_lookahead_frame *frames);

#endif /* MUZERO_RC_RATE_CONTROL_LOOKAHEAD_NOTES_H_ */
