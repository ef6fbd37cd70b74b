"""GOP shapes: how long each GOP is, how many layers it has, how its alt-refs are filtered."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.layouts import ALTREF, SHOW_EXISTING, Records
from encoder_bridge.errors import BadInput

OWN = 0
"""The length that leaves a GOP's end to libvpx."""


@dataclass(frozen=True)
class GopShape:
    """The shape of one GOP; by default everything as libvpx does it by itself."""

    length: int = OWN
    """Frames from the one that begins it to its alt-ref, which begins the next: 4 to lag_in_frames - 2."""
    layers: int = -1
    """Of alt-refs, as `EncoderConfig.auto_alt_ref`: 1 to 6; -1 as configured."""
    strength: int = -1
    """Of the alt-refs' temporal filter, 0 to 6; -1 as configured."""
    frames: int = -1
    """That it filters over, 0 to 15; -1 as configured."""


Shapes = Sequence[GopShape] | npt.NDArray[np.int32]
"""Of the first GOPs, in the order in which libvpx begins them; as an array `[G, 4]`."""


def as_shapes(shapes: Shapes | None) -> npt.NDArray[np.int32] | None:
    """`[G, 4]` as `_native.Pool.start` takes it.

    Raises:
        BadInput: an array of another shape.
    """
    if shapes is None:
        return None
    rows = shapes if isinstance(shapes, np.ndarray) else [astuple(shape) for shape in shapes]
    array = np.ascontiguousarray(rows, np.int32)
    if array.size and (array.ndim != 2 or array.shape[1] != 4):
        raise BadInput(
            f"GOP shapes {array.shape}: length, layers, strength and frames are four numbers a GOP"
        )
    return array.reshape(-1, 4)


def shapes_of(data: bytes) -> tuple[GopShape, ...]:
    """The shapes in what `Pool.shapes` returns."""
    return tuple(GopShape(*row) for row in np.frombuffer(data, np.int32).reshape(-1, 4).tolist())


def gop_starts(records: Records) -> list[int]:
    """Show indices of the frames that began a GOP, in order: from an encode's records.

    A GOP's alt-ref begins the next one, as an overlay or shown again.
    """
    starts: list[int] = []
    hidden: list[int] = []
    for record in records:
        if record["frame_type"] == SHOW_EXISTING:
            shown = hidden.pop()
            if not hidden:
                starts.append(shown)
            continue
        if record["gop_index"] == 0:
            starts.append(int(record["show_index"]))
            hidden.clear()
        if record["frame_type"] == ALTREF:
            hidden.append(int(record["show_index"]))
    return starts
