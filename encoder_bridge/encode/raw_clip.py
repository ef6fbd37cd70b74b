"""Raw clip: decoded frames with their size and frame rate."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.yuv420 import frame_bytes


@dataclass(frozen=True, eq=False)
class RawClip:
    """A decoded clip, in memory or mapped from a file.

    Attributes:
        frames: `[T, frame_bytes]` u1, planar 4:2:0.
        width: luma pixels.
        height: luma pixels.
        fps: frames per second, exact.
        key: names these very frames, for caches; "" for frames that nothing is kept of.
    """

    frames: npt.NDArray[np.uint8]
    width: int
    height: int
    fps: Fraction
    key: str = ""

    def __post_init__(self) -> None:
        """Raises BadInput where the frames are of another size."""
        check_frames(self.frames, self.width, self.height)

    def __len__(self) -> int:
        """T, shown frames."""
        return len(self.frames)


def check_frames(frames: npt.NDArray[np.uint8], width: int, height: int, bit_depth: int = 8) -> None:
    """Refuses arrays that are no frames of this size and depth.

    Raises:
        BadInput: another shape or type, or no frame at all.
    """
    size = frame_bytes(width, height, bit_depth)
    if frames.dtype != np.uint8 or frames.ndim != 2 or frames.shape[1] != size or not len(frames):
        raise BadInput(
            f"frames of shape {frames.shape} {frames.dtype} are no {width}x{height} video: "
            f"[T, {size}] uint8 is needed"
        )
