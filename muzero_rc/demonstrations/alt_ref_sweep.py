"""Scans: what it is worth to code the GOPs' alt-refs finer or coarser than the controller does.

Of an instance at a target the controller plays once as it is, and once with its GOPs' alt-refs moved
each way by half an octave of the quantizer step. It reacts to what that costs as it does to anything
else, so nothing but this layer was decided otherwise: of what search finds in a plan, key frames and
alt-refs were seen to belong to the clip and not to the one encode (docs/experiments/0020), and of these
two a network tells alt-refs of clips that it has not seen. Then they are moved to where the three
encodes say that the gain is highest: an example to follow.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.constant_quality import episode_of, spread_targets, uid_of, unchanged_first
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode_log import Episode
from muzero_rc.types import Array

_TOP = 1  # muzero_rc_layer
_SCANNED = "/s"
FIT = "best"
"""Names the example to follow among a scan's episodes."""

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


def scans_wanted(store: ClipStore, instances: Sequence[Instance]) -> list[tuple[Instance, int]]:
    """Instances and targets that the config asks for; unchanged clips come first."""
    chosen = unchanged_first(instances)[: store.config.teacher.scanned]
    return [(one, target) for one in chosen for target in _targets_of(store, one)]


def _targets_of(store: ClipStore, instance: Instance) -> list[int]:
    """In pairs, one in each half of the anchor's log rates: asking for more keeps those that were made."""
    count = store.config.teacher.scan_targets
    pairs = [
        spread_targets(store, instance, 2, f"scan {pair} " if pair else "scan ")
        for pair in range((count + 1) // 2)
    ]
    return list(dict.fromkeys(itertools.chain(*pairs)))[:count]


def scan_uid(store: ClipStore, instance: Instance, target_kbps: int, move: str) -> str:
    """Names the episode of one move."""
    return f"{uid_of(store, instance)}{_SCANNED}{target_kbps}/{move}"


def is_fit(uid: str) -> bool:
    """Whether an episode of this uid is a scan's example to follow."""
    scan, _, name = uid.rpartition("/")  # a plan's search has a "best" of its own
    return name == FIT and f"/{scan.rpartition('/')[2]}".startswith(_SCANNED)


def scans(store: ClipStore, wanted: Sequence[tuple[Instance, int]], known: set[str]) -> Iterator[Episode]:
    """Scanning episodes.

    Args:
      store: with all instances prepared.
      wanted: instances and targets in kbps.
      known: uids that exist already; nothing is encoded for them.

    Yields:
      Episodes, in the order in which they end; an encode that fails is logged and left out.
    """
    return _play(
        store,
        (
            (uid, instance, target, move)
            for instance, target in wanted
            for name, move in MOVES
            if (uid := scan_uid(store, instance, target, name)) not in known
        ),
    )


def fits(
    store: ClipStore, wanted: Sequence[tuple[Instance, int]], played: Mapping[str, Episode], known: set[str]
) -> Iterator[Episode]:
    """The examples to follow, one for each scan of which all episodes are there.

    Args:
      store: with all instances prepared.
      wanted: instances and targets in kbps.
      played: scanning episodes by uid.
      known: uids that exist already; nothing is encoded for them.

    Yields:
      Episodes, in the order in which they end; an encode that fails is logged and left out.
    """
    work = []
    for instance, target in wanted:
        uid = scan_uid(store, instance, target, FIT)
        found = [played.get(scan_uid(store, instance, target, name)) for name, _ in MOVES]
        whole = [one for one in found if one is not None]
        if uid not in known and len(whole) == len(MOVES):
            work.append((uid, instance, target, best_move(store, whole)))
    return _play(store, work)


def best_move(store: ClipStore, scan: Sequence[Episode]) -> float:
    """By how much to move alt-refs, at most by as much as was tried; `scan` is in the order of `MOVES`."""
    _, finer, coarser = (_gain_percent(store, one) for one in scan)
    best = -(finer - coarser) / (2.0 * _STEP) / (2.0 * _FALL)
    return min(max(best, -_STEP), _STEP)


def _gain_percent(store: ClipStore, episode: Episode) -> float:
    anchor, rate = store.anchor(episode.instance), episode.rate_kbps
    return anchor.percent_of(episode.psnr_y_db - anchor.psnr_at(rate), rate)


def _play(store: ClipStore, work: Iterable[tuple[str, Instance, int, float]]) -> Iterator[Episode]:
    """Encodes by uid, instance, target and move."""
    steps, guard = np.array(store.engine.native.quantizer_steps()), store.config.encode.guard
    jobs = (
        store.job(uid, instance, target, guard=guard, extra=(instance, MovedTops(steps, move)))
        for uid, instance, target, move in work
    )
    for done in store.play(jobs, _answer):
        if done.error:
            store.fail(done.job.name, done.error)
        else:
            yield episode_of(store, done)


def _answer(events: Array, jobs: list[Job]) -> Array:
    answers = [job.extra[-1].answer(event) for event, job in zip(events, jobs, strict=True)]
    return np.array(answers, np.int32)
