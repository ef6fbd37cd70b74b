"""Alt-ref sweep: what it is worth to code the GOPs' alt-refs finer or coarser than the controller does.

Of an instance at a target the controller plays once as it is, and once with its GOPs' alt-refs moved
each way by half an octave of the quantizer step. It reacts to what that costs as it does to anything
else, so nothing but this layer was decided otherwise: of what search finds in a plan, key frames and
alt-refs were seen to belong to the clip and not to the one encode (docs/experiments), and of these
two a network tells alt-refs of clips that it has not seen. Then they are moved to the optimum, where the
three encodes say that the gain is highest: an example to follow.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from encoder_bridge.encode.layouts import LAYERS
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.base import (
    Wanted,
    job_of,
    play_jobs,
    uid_of,
    unchanged_first,
)
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.targets import instance_targets
from muzero_rc.experience.episode import OPTIMUM, Episode, Name
from muzero_rc.types import Array

KIND = "alt-ref-sweep"

_TOP = LAYERS.index("top")
_STEP = 0.5  # octaves of the quantizer step
_FALL = 9.0
"""Per cent of rate that an octave off the best costs, on average of 300 instances; per square octave. One
encode's own curvature is mostly noise."""

MOVES: tuple[tuple[str, float], ...] = (("base", 0.0), ("top-", -_STEP), ("top+", _STEP))
"""Name, and by how many log2 quantizer steps the GOPs' alt-refs are moved."""


class MovedTops:
    """Answers one encode's frames as the controller does, but for its GOPs' alt-refs."""

    def __init__(self, steps: Array, move: float) -> None:
        """Args: steps: [256] log2 quantizer step of each qindex; move: in such steps."""
        self._steps = steps
        self._move = move

    def answer(self, event: Any) -> int:
        """The qindex for a frame, by its native event."""
        q_ref = int(event["q_ref"])
        if event["layer"] != _TOP or self._move == 0.0:
            return q_ref
        return int(np.argmin(np.abs(self._steps[1:] - (self._steps[q_ref] + self._move)))) + 1


class AltRefSweep:
    """Sweeps of as many instances as the config says, unchanged clips first, and their optima."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        chosen = unchanged_first(instances)[: store.config.demonstrations.swept]
        self._store = store
        count = store.config.demonstrations.sweep_targets
        # Each sweep's moves, in the order of MOVES, then its optimum.
        self._sweeps = [
            _sweep(store, one, target) for one in chosen for target in instance_targets(store, one, count)
        ]
        self._uids = {one.name.uid for moves, optimum in self._sweeps for one in (*moves, optimum)}

    def wants(self, episode: Episode) -> bool:
        """See `Demonstrations.wants`."""
        return episode.uid in self._uids

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """See `Demonstrations.play`; an optimum is played where its whole sweep is there."""
        yield from self._played(
            (one, MOVES[one.name.index][1])
            for moves, _ in self._sweeps
            for one in moves
            if one.name.uid not in known
        )
        work = []
        for moves, optimum in self._sweeps:
            whole = [known[one.name.uid] for one in moves if one.name.uid in known]
            if optimum.name.uid not in known and len(whole) == len(MOVES):
                work.append((optimum, best_move(self._store, whole)))
        yield from self._played(work)

    def _played(self, work: Iterable[tuple[Wanted, float]]) -> Iterator[Episode]:
        """Encodes with alt-refs moved by so many steps."""
        store, steps = self._store, np.array(self._store.engine.native.quantizer_steps())
        guard = store.config.encode.guard
        jobs = (job_of(store, wanted, MovedTops(steps, move), guard=guard) for wanted, move in work)
        return play_jobs(store, jobs)


def _sweep(store: ClipStore, instance: Instance, target_kbps: int) -> tuple[list[Wanted], Wanted]:
    sweep = uid_of(store, instance, f"s{target_kbps}")
    moves = [Name(f"{sweep}/{name}", KIND, sweep, i) for i, (name, _) in enumerate(MOVES)]
    optimum = Name(f"{sweep}/best", OPTIMUM, sweep, len(MOVES))
    return [Wanted(one, instance, target_kbps) for one in moves], Wanted(optimum, instance, target_kbps)


def best_move(store: ClipStore, sweep: Sequence[Episode]) -> float:
    """By how much to move alt-refs, at most by as much as was tried; `sweep` is in the order of `MOVES`."""
    _, finer, coarser = (_gain_percent(store, one) for one in sweep)
    best = -(finer - coarser) / (2.0 * _STEP) / (2.0 * _FALL)
    return min(max(best, -_STEP), _STEP)


def _gain_percent(store: ClipStore, episode: Episode) -> float:
    anchor, rate = store.anchor(episode.instance), episode.rate_kbps
    return anchor.percent_of(episode.quality_db - anchor.psnr_at(rate), rate)
