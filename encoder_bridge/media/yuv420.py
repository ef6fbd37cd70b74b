"""Planar 4:2:0 frames: Y, then U, then V; odd sides round chroma up; above 8 bits, two bytes a sample."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Sample = TypeVar("Sample", np.uint8, np.uint16)


def frame_bytes(width: int, height: int, bit_depth: int = 8) -> int:
    """Bytes of one frame of `width` x `height` luma pixels."""
    samples = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    return samples * (2 if bit_depth > 8 else 1)


def split_planes(frames: npt.NDArray[Sample], width: int, height: int) -> list[npt.NDArray[Sample]]:
    """Views of `[T, samples of a frame]` as Y `[T, height, width]`, U and V of half the size."""
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
