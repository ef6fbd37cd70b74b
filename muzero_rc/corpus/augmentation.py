"""Data augmentation: mirrored, reversed, sped-up, cropped and joined clips.

Whoever changes what a change does counts up the version in `cache_key`.
"""

from collections.abc import Sequence

import numpy as np

from muzero_rc.types import Array

CHANGES = ("crop", "speed2", "crop+reverse", "speed2+mirror", "mirror", "reverse")
"""What clips are made into, those that differ most from the clip first; applied from left to right."""

MINIATURES = {"half": 2, "third": 3, "quarter": 4}
"""Luma pixels a side that become one."""


def apply_changes(planes: Sequence[Array], changes: str) -> list[Array]:
    """What `Instance.changes` does to a clip.

    Args:
      planes: u1[T, H, W] luma, then chroma u1[T, (H+1)/2, (W+1)/2] twice.
      changes: of `CHANGES`, or of `MINIATURES`.

    Returns:
      Planes of the changed clip. A crop keeps the central three quarters of each side, in steps of
      16 luma pixels. A miniature, for what is tried out, is so many times less wide and high.
    """
    for change in filter(None, changes.split("+")):
        if change == "mirror":
            planes = [plane[:, :, ::-1] for plane in planes]
        elif change == "reverse":
            planes = [plane[::-1] for plane in planes]
        elif change == "speed2":
            planes = [plane[::2] for plane in planes]
        elif change == "crop":
            planes = _crop(planes)
        elif change in MINIATURES:
            planes = _averaged(planes, MINIATURES[change])
        else:
            raise ValueError(f"unknown change {change!r}")
    return list(planes)


def _crop(planes: Sequence[Array]) -> list[Array]:
    height, width = planes[0].shape[1:]
    new_height, new_width = (max(16, side * 3 // 4 // 16 * 16) for side in (height, width))
    if new_height > height or new_width > width:
        return list(planes)
    top, left = ((old - new) // 4 * 2 for old, new in ((height, new_height), (width, new_width)))
    luma = planes[0][:, top : top + new_height, left : left + new_width]
    chroma = [
        plane[:, top // 2 : (top + new_height) // 2, left // 2 : (left + new_width) // 2]
        for plane in planes[1:]
    ]
    return [luma, *chroma]


def _averaged(planes: Sequence[Array], side: int) -> list[Array]:
    """Means of `side` by `side` pixels, of what whole blocks of twice as many luma pixels cover."""
    height, width = (length // (2 * side) * 2 * side for length in planes[0].shape[1:])
    if not height or not width:
        return list(planes)
    smaller = []
    for plane, shift in zip(planes, (0, 1, 1), strict=True):
        kept = plane[:, : height >> shift, : width >> shift]
        blocks = kept.reshape(len(kept), kept.shape[1] // side, side, kept.shape[2] // side, side)
        sums = blocks.sum((2, 4), dtype=np.uint32)
        smaller.append(((sums + side * side // 2) // (side * side)).astype(np.uint8))
    return smaller


def join(clips: Sequence[Sequence[Array]]) -> list[Array]:
    """Clips one after the other, each cut to the smallest size among them (top left, even)."""
    if len(clips) == 1:
        return list(clips[0])
    height, width = (min(clip[0].shape[axis] for clip in clips) // 2 * 2 for axis in (1, 2))
    joined: list[Array] = []
    for plane in range(3):
        h, w = (height, width) if plane == 0 else (height // 2, width // 2)
        joined.append(np.concatenate([clip[plane][:, :h, :w] for clip in clips]))
    return joined
