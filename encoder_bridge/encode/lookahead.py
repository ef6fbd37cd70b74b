"""The lookahead: what the pixels say of frames and of GOPs that might be, in integers.

Costs and worths are means over the 8x8 blocks of half-size luma in 1/16 of SATD, shares 1/1024 of the
blocks, -1 what the clip does not have. Index i of an array stands for a distance of 2**i frames, or a
pyramid of 2**(i + 1). Fields: native/lookahead/analysis.h and candidate.h.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.layouts import GOP_CANDIDATE, LOOKAHEAD, Records
from encoder_bridge.encode.waiting import native_errors

GOP_LENGTHS = range(4, 24)
"""Of the GOPs that libvpx takes with a lag of 25 frames."""


def look_ahead(frames: npt.NDArray[np.uint8], width: int, height: int, *, noted: bool = True) -> Records:
    """`[T]` of `LOOKAHEAD`.

    Args:
        frames: `[T, ...]` u1, luma or planar 4:2:0 of `width` x `height` pixels.
        width: of the luma, in pixels.
        height: of the luma, in pixels.
        noted: rounded as in the notes of a first pass, which is what a policy sees; False: exact.

    Raises:
        BadInput: frames of another size.
    """
    found = np.zeros(len(frames), LOOKAHEAD)
    with native_errors():
        _native.lookahead(np.ascontiguousarray(frames), width, height, noted, found)
    return found


def lookahead_of(stats: npt.NDArray[np.float64]) -> Records | None:
    """`[T]` of `LOOKAHEAD` from the notes in `[T, 25]` first-pass statistics; None without them."""
    found = np.zeros(len(stats), LOOKAHEAD)
    return found if _native.lookahead_notes(np.ascontiguousarray(stats), found) else None


def gop_candidates(found: Records, lengths: Sequence[int] = GOP_LENGTHS) -> Records:
    """`[T, L]` of `GOP_CANDIDATE`: from each frame on, of each length in frames.

    Args:
        found: what `look_ahead` says of the clip.
        lengths: 1 or more; the far end, an alt-ref, is shown so many frames after the near one.
    """
    candidates = np.zeros((len(found), len(lengths)), GOP_CANDIDATE)
    _native.gop_candidates(found, np.array(lengths, np.int32), candidates)
    return candidates
