"""What is encoded: clips of a corpus, and what is made of them.

An augmented clip (mirrored, reversed, sped up, cropped, cut together) is an instance of its own with
its own anchor curve. The list is fixed by the corpus and the config, those that differ most from their
clip first; CATALOGUE_VERSION names what the changes do, so that what is made once stays usable. An
instance is named after its clip and what was done: `bikes+mirror`.
"""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoder_bridge.errors import UserError
from muzero_rc.config.schema import DataConfig
from muzero_rc.types import Array

CATALOGUE_VERSION = 1
VIDEO_SUFFIXES = (".mkv", ".mp4", ".webm", ".y4m", ".mov", ".avi", ".m4v")
CHANGES = ("crop", "speed2", "crop+reverse", "speed2+mirror", "mirror", "reverse")


class CorpusError(UserError):
    """A corpus that cannot be used; the message says why."""


@dataclass(frozen=True)
class Instance:
    """One thing to encode.

    Attributes:
      name: unique in a catalogue; names the cached files.
      clip: instances of one clip share an opponent.
      paths: of the source videos, cut together in this order.
      changes: of `CHANGES`, joined by "+"; empty for the clip as it is.
    """

    name: str
    clip: str
    paths: tuple[Path, ...]
    changes: str = ""

    @property
    def augmented(self) -> bool:
        """Whether it is anything but a clip as it is."""
        return bool(self.changes) or len(self.paths) > 1


@dataclass(frozen=True)
class Anchor:
    """The anchor curve of an instance: libvpx's constant quality, PSNR over rate.

    Attributes:
      rates_kbps: rising.
      psnr_y_db: luma PSNR at each rate.
    """

    rates_kbps: tuple[float, ...]
    psnr_y_db: tuple[float, ...]

    def psnr_at(self, rate_kbps: float) -> float:
        """Linear over log rate; beyond the ends the last slope goes on."""
        x = np.log(self.rates_kbps)
        at = math.log(max(rate_kbps, 1e-3))
        i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
        slope = (self.psnr_y_db[i + 1] - self.psnr_y_db[i]) / (x[i + 1] - x[i])
        return float(self.psnr_y_db[i] + slope * (at - x[i]))

    def percent_of(self, gain_db: float, rate_kbps: float) -> float:
        """What a gain over the curve at a rate is worth there, in per cent of the rate."""
        slope_db = (self.psnr_at(rate_kbps * 1.1) - self.psnr_at(rate_kbps / 1.1)) / (2.0 * math.log(1.1))
        return 100.0 * gain_db / slope_db


_LEAST_RISE_DB = 1e-6  # below it, what lies between two points is lost to rounding


def anchor_of(points: Sequence[tuple[float, float]]) -> Anchor:
    """The curve through (rate_kbps, psnr_y_db) points.

    Points of equal or higher rate without more quality are left out (a still clip may repeat itself).

    Raises:
      ValueError: fewer than two points remain.
    """
    kept: list[tuple[float, float]] = []
    for rate, psnr in sorted(points):
        if not kept or (rate > kept[-1][0] * 1.001 and psnr > kept[-1][1] + _LEAST_RISE_DB):
            kept.append((rate, psnr))
    if len(kept) < 2:
        raise ValueError(f"its constant-quality encodes give no curve: {sorted(points)}")
    rates, psnrs = zip(*kept, strict=True)
    return Anchor(rates, psnrs)


def find_clips(corpus: Path) -> list[Path]:
    """The videos of a folder, by name.

    Raises:
      CorpusError: no such folder, or no video in it; the message says which.
    """
    if not corpus.is_dir():
        raise CorpusError(f"corpus {corpus}: no such folder")
    clips = sorted(path for path in corpus.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if not clips:
        raise CorpusError(f"corpus {corpus}: no videos in it ({', '.join(VIDEO_SUFFIXES)})")
    return clips


def catalogue_of(clips: Sequence[Path], config: DataConfig, seed: int) -> list[Instance]:
    """The instances of a run: every clip, then augmented ones, at most `config.max_instances`."""
    plain = [Instance(path.stem, path.stem, (path,)) for path in clips]
    augmented = _augmented(clips, random.Random(seed)) if config.augment else iter(())
    room = config.max_instances - len(plain)
    return plain[: config.max_instances] + [
        one for _, one in zip(range(max(0, room)), augmented, strict=False)
    ]


def _augmented(clips: Sequence[Path], rng: random.Random) -> Iterator[Instance]:
    """Round after round: each clip once with one change, then some cuts between clips."""
    for change in CHANGES:
        for path in clips:
            yield Instance(f"{path.stem}+{change}", path.stem, (path,), change)
        for _ in range(len(clips) // 4):
            first, second = rng.sample(list(clips), 2)
            name = f"{first.stem}--{second.stem}"
            yield Instance(f"{name}+{change}", name, (first, second), change)


def apply_changes(planes: Sequence[Array], changes: str) -> list[Array]:
    """What `Instance.changes` does to a clip.

    Args:
      planes: u1[T, H, W] luma, then chroma u1[T, (H+1)/2, (W+1)/2] twice.
      changes: of `CHANGES`.

    Returns:
      Planes of the changed clip. A crop keeps the central three quarters of each side, in steps of
      16 luma pixels.
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


def join(clips: Sequence[Sequence[Array]]) -> list[Array]:
    """Clips one after the other, each cut to the smallest size among them (top left, even)."""
    if len(clips) == 1:
        return list(clips[0])
    height, width = (min(clip[0].shape[axis] for clip in clips) // 2 * 2 for axis in (1, 2))
    joined = []
    for plane in range(3):
        h, w = (height, width) if plane == 0 else (height // 2, width // 2)
        joined.append(np.concatenate([clip[plane][:, :h, :w] for clip in clips]))
    return joined


def digest(*parts: object) -> str:
    """Sixteen hex digits that name cached work by everything it depends on."""
    text = "\0".join(str(part) for part in (CATALOGUE_VERSION, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
