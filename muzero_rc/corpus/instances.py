"""Instances: what a run encodes, clips as they are and augmented ones.

An augmented clip (mirrored, reversed, sped up, cropped, cut together with another) is an instance of its
own with its own anchor curve. It is named after its clip and what was done: `bikes+mirror`.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from muzero_rc.config.schema import DataConfig
from muzero_rc.corpus.augmentation import CHANGES


@dataclass(frozen=True)
class Instance:
    """One thing to encode.

    Attributes:
      name: unique in a run; names the cached files.
      clip: instances of one clip share an opponent.
      paths: of the source videos, cut together in this order.
      changes: of `augmentation.CHANGES`, joined by "+"; empty for the clip as it is.
    """

    name: str
    clip: str
    paths: tuple[Path, ...]
    changes: str = ""

    @property
    def augmented(self) -> bool:
        """Whether it is anything but a clip as it is."""
        return bool(self.changes) or len(self.paths) > 1


def build_instances(clips: Sequence[Path], config: DataConfig, seed: int) -> list[Instance]:
    """The instances of a run: every clip, then augmented ones, at most `config.max_instances`.

    The same clips, config and seed give the same list.

    Args:
      clips: from `find_clips`.
      config: how many, and whether clips are augmented.
      seed: draws which clips are cut together.
    """
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
