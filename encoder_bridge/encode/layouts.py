"""numpy dtypes of the extension's structs, from C's own offsets."""

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native


def _dtype(layout: tuple[int, list[tuple[str, str, int]]]) -> np.dtype[np.void]:
    size, fields = layout
    fields = sorted(fields, key=lambda field: field[2])  # numpy's files take no other order
    return np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "formats": [form for _, form, _ in fields],
            "offsets": [offset for _, _, offset in fields],
            "itemsize": size,
        }
    )


EVENT = _dtype(_native.event_layout())
"""What `Pool.recv` writes: which slot, what happened, and the pending frame's request and features."""

RECORD = _dtype(_native.record_layout())
"""One result of libvpx: a coded frame, or a show-existing one (frame_type -1)."""

SHOWN = _dtype(_native.shown_layout())
"""One packet: pts, bytes, key, and the squared error of the shown frame."""

LOOKAHEAD = _dtype(_native.lookahead_layout())
"""What the lookahead says of a shown frame."""

GOP_CANDIDATE = _dtype(_native.gop_candidate_layout())
"""What it says of a GOP that might be."""

FRAME_TYPES = _native.FRAME_TYPES
"""Names of frame types; an index is the `frame_type` of events and records."""
KEY = FRAME_TYPES.index("key")
INTER = FRAME_TYPES.index("inter")
ALTREF = FRAME_TYPES.index("altref")
OVERLAY = FRAME_TYPES.index("overlay")
GOLDEN = FRAME_TYPES.index("golden")

LAYERS = _native.LAYERS
"""Names of layers; an index is the `layer` of events and records."""

SHOW_EXISTING = -1
"""The frame_type of a record without a decision."""

Records = npt.NDArray[np.void]
"""A structured array; its dtype is named where it is made."""


def as_records(data: bytes) -> Records:
    """`[N]` of `RECORD` from `Pool.records`, writable and independent of the pool."""
    return np.frombuffer(data, RECORD).copy()


def as_shown(data: bytes) -> Records:
    """`[N]` of `SHOWN` from `Pool.shown`."""
    return np.frombuffer(data, SHOWN).copy()
