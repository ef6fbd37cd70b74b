"""Randomised offsets: the controller's qindex offsets round a base that stays, each encode a little other.

The controller says what a frame is worth next to plain inter frames (the step feature `offset`). Here
those offsets hang on a base step that does not follow a budget, and are randomised: per layer, per GOP,
with the GOP's and the frame's hardness. What comes out well is followed under the rate that it had
(`muzero_rc.experience.hindsight`); what comes out badly teaches the value heads.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.layouts import ALTREF, KEY, LAYERS
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.base import Wanted, job_of, play_jobs, uid_of
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode, Name
from muzero_rc.types import Array

KIND = "randomised-offsets"

_LEAF = LAYERS.index("leaf")


@dataclass(frozen=True)
class Variation:
    """How one encode differs from the controller; in log2 quantizer steps.

    Attributes:
      key, reference: added to the offsets of key frames and of alt-refs.
      depth: factor on the offsets of alt-refs below the GOP's own.
      gop_hardness, frame_hardness: per log2 of a GOP's error over the clip's, a frame's over its GOP's.
      gop_deviation: standard deviation of what each GOP is moved by.
    """

    key: float
    reference: float
    depth: float
    gop_hardness: float
    frame_hardness: float
    gop_deviation: float

    @staticmethod
    def draw(rng: random.Random) -> "Variation":
        """One of many."""
        return Variation(
            key=rng.gauss(0.0, 0.4),
            reference=rng.gauss(0.0, 0.3),
            depth=math.exp(rng.gauss(0.0, 0.3)),
            gop_hardness=rng.gauss(0.1, 0.15),
            frame_hardness=rng.gauss(0.05, 0.1),
            gop_deviation=abs(rng.gauss(0.0, 0.12)),
        )


@dataclass
class RandomisedController:
    """Answers one encode's frames."""

    columns: dict[str, int]  # of the step features
    steps: Array  # [256] log2 quantizer step of each qindex
    base_step: float
    variation: Variation
    rng: random.Random
    _gop_shift: float = 0.0
    _last_gop_index: int = field(default=1 << 30)

    def answer(self, event: Any) -> int:
        """The qindex for a frame, by its native event."""
        variation, step = self.variation, event["step"]
        gop_index = int(event["gop_index"])
        if gop_index <= 1 or gop_index < self._last_gop_index:
            self._gop_shift = self.rng.gauss(0.0, variation.gop_deviation)
        self._last_gop_index = gop_index
        offset = float(step[self.columns["offset"]])
        shift = self._gop_shift + 2.0 * variation.gop_hardness * float(step[self.columns["gop_hardness"]])
        if event["frame_type"] == KEY:
            shift = variation.key
        elif event["frame_type"] == ALTREF:
            deeper = event["layer"] > 1
            offset = (offset + variation.reference) * (variation.depth if deeper else 1.0)
        elif event["layer"] == _LEAF:
            shift += 2.0 * variation.frame_hardness * float(step[self.columns["frame_hardness"]])
        return int(np.argmin(np.abs(self.steps[1:] - (self.base_step + offset + shift)))) + 1


class RandomisedOffsets:
    """As many episodes of each instance as the config says."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        config = store.config.demonstrations
        counts = {True: config.augmented_randomised, False: config.randomised}
        self._store = store
        self._wanted = {
            uid_of(store, one, f"v{i}"): (one, i) for one in instances for i in range(counts[one.augmented])
        }

    def wants(self, episode: Episode) -> bool:
        """See `Demonstrations.wants`."""
        return episode.uid in self._wanted

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """See `Demonstrations.play`."""
        names = [name for name, _ in self._store.engine.native.feature_tables()["step"]]
        columns = {name: names.index(name) for name in ("offset", "gop_hardness", "frame_hardness")}
        missing = [(uid, *each) for uid, each in self._wanted.items() if uid not in known]
        return play_jobs(self._store, (_job(self._store, columns, *each) for each in missing))


def _job(store: ClipStore, columns: dict[str, int], uid: str, instance: Instance, number: int) -> Job:
    """At a base between those of the anchor's coarsest and finest encode, with the rate that this had."""
    rng = random.Random(uid)
    encodes = store.quality[instance.name]
    steps = np.array(store.engine.native.quantizer_steps())
    bases = [float(steps[max(encode.plan.qindex)]) for encode in encodes]
    base = rng.uniform(min(bases), max(bases))
    order = np.argsort(bases)
    rates = np.log([encodes[i].rate_kbps for i in order])
    target = max(1, round(math.exp(float(np.interp(base, np.array(bases)[order], rates)))))
    player = RandomisedController(columns, steps, base, Variation.draw(rng), rng)
    return job_of(store, Wanted(Name(uid, KIND, index=number), instance, target), player)
