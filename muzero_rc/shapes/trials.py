"""Trials of a shape scan: sequences of GOP shapes, drawn by the clip's name."""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from muzero_rc.encoding.gop_search import LONGEST, SHORTEST

OWN = "own"
"""libvpx's own shapes."""
UNIFORM = (8, 12, 16, 20)
RANDOM_LENGTHS = 7
KEEP = -1
"""In a shape: as the encoder is set."""
TRIALS = 1 + len(UNIFORM) + RANDOM_LENGTHS
"""Of a clip at a target."""

Shape = tuple[int, int, int, int]
"""Length (0: libvpx's own), layers, filter strength and frames (`KEEP`: as set)."""


@dataclass(frozen=True)
class Trial:
    """One sequence of shapes; after the last one they are libvpx's own."""

    name: str
    shapes: tuple[Shape, ...]


def with_strength(trial: Trial, strength: int, gops: int) -> tuple[Shape, ...]:
    """A trial's shapes with one strength of the alt-ref's filter, libvpx's own lengths too.

    Args:
      trial: any.
      strength: 0 to 6; `KEEP` leaves the trial as it is.
      gops: as many as the clip may have.
    """
    if strength == KEEP:
        return trial.shapes
    shapes = trial.shapes or ((0, KEEP, KEEP, KEEP),) * gops
    return tuple((length, layers, strength, frames) for length, layers, _, frames in shapes)


def random_trial(name: str, rng: random.Random, gops: int) -> Trial:
    """Lengths round a mean of the sequence's own, so that long and short ones are both seen whole."""
    mean = rng.uniform(6.0, 22.0)
    lengths = (round(min(LONGEST, max(SHORTEST, rng.gauss(mean, 4.0)))) for _ in range(gops))
    return Trial(name, tuple((length, KEEP, KEEP, KEEP) for length in lengths))


def gops_of(frames: int) -> int:
    """As many GOPs as a clip can have, and a few more."""
    return frames // SHORTEST + 2


def length_trials(name: str, frames: int) -> Iterator[Trial]:
    """What is tried on a clip: libvpx's own shapes, uniform lengths, random sequences of lengths.

    Args:
      name: of the instance; it draws the random ones, which are the same for all its targets.
      frames: of the clip.
    """
    gops, rng = gops_of(frames), random.Random(zlib.crc32(name.encode()))
    yield Trial(OWN, ())
    for length in UNIFORM:
        yield Trial(f"length-{length}", ((length, KEEP, KEEP, KEEP),) * gops)
    for i in range(RANDOM_LENGTHS):
        yield random_trial(f"random-{i}", rng, gops)
