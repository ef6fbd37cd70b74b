"""Planar 8-bit 4:2:0 frames: Y, then U, then V; odd sides round chroma up."""

import numpy as np
import numpy.typing as npt


def frame_bytes(width: int, height: int) -> int:
    """Bytes of one frame of `width` x `height` luma pixels."""
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def split_planes(frames: npt.NDArray[np.uint8], width: int, height: int) -> list[npt.NDArray[np.uint8]]:
    """Views of `[T, frame_bytes]` u1 as Y `[T, height, width]`, U and V of half the size."""
    chroma_height, chroma_width = (height + 1) // 2, (width + 1) // 2
    luma, chroma = width * height, chroma_width * chroma_height
    return [
        frames[:, :luma].reshape(-1, height, width),
        frames[:, luma : luma + chroma].reshape(-1, chroma_height, chroma_width),
        frames[:, luma + chroma :].reshape(-1, chroma_height, chroma_width),
    ]


def join_planes(planes: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """`[T, frame_bytes]` u1 of the planes: the inverse of `split_planes`."""
    return np.concatenate([plane.reshape(len(plane), -1) for plane in planes], axis=1)
