"""Plans: a qindex for every coded frame of one encode, and how another encode follows them."""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.layouts import ALTREF
from encoder_bridge.media.vp9_headers import frame_headers
from muzero_rc.types import Array


@dataclass(frozen=True)
class QindexPlan:
    """The qindex of every coded frame.

    Attributes:
      qindex: in coding order.
      hidden: which frames are alt-refs.
      shown_before: shown frames before each.
    """

    qindex: tuple[int, ...]
    hidden: tuple[bool, ...]
    shown_before: tuple[int, ...]


class PlanFollower:
    """Answers one encode's frames from a plan.

    The plan's own encode may have had other GOPs. As long as alt-refs come where the plan has them a
    frame gets the answer of its place in coding order; else that of the nearest frame of its kind.
    """

    def __init__(self, plan: QindexPlan) -> None:
        """Args: plan: to follow from the first frame on."""
        self._plan = plan
        self._asked = 0  # libvpx's coding_index also counts show-existing frames
        self._kinds = {
            kind: [i for i, hidden in enumerate(plan.hidden) if hidden == kind] for kind in (False, True)
        }

    def answer(self, event: Any) -> int:
        """The qindex for a frame, by its native event or record."""
        plan, hidden = self._plan, bool(event["frame_type"] == ALTREF)
        at = self._asked
        self._asked += 1
        if at < len(plan.qindex) and plan.hidden[at] == hidden:
            return plan.qindex[at]
        same = self._kinds[hidden] or self._kinds[not hidden]
        shown = [plan.shown_before[i] for i in same]
        place = min(bisect.bisect_left(shown, int(event["show_index"])), len(same) - 1)
        return plan.qindex[same[place]]


def plan_of_packets(packets: Iterable[bytes]) -> QindexPlan:
    """The plan that an encode's packets give away."""
    qindex, hidden, shown_before = [], [], []
    shown = 0
    for header in frame_headers(packets):
        if not header.show_existing_frame:
            qindex.append(header.base_q_idx)
            hidden.append(not header.show_frame)
            shown_before.append(shown)
        shown += header.show_existing_frame or header.show_frame
    return QindexPlan(tuple(qindex), tuple(hidden), tuple(shown_before))


def plan_of_records(records: Array, qindex: Array | None = None) -> QindexPlan:
    """The plan of an episode's records; `qindex` [N coded frames] replaces theirs."""
    coded = records[records["frame_type"] >= 0]
    chosen = coded["qindex"] if qindex is None else qindex
    hidden = coded["frame_type"] == ALTREF
    return QindexPlan(
        tuple(np.clip(np.round(chosen), 1, 255).astype(int).tolist()),
        tuple(hidden.tolist()),
        tuple(coded["show_index"].tolist()),
    )


def between(low: QindexPlan, high: QindexPlan, share: float) -> QindexPlan:
    """`low` moved by `share` of the way to `high`, or past it; the nearer one if their frames differ."""
    if low.hidden != high.hidden or low.shown_before != high.shown_before:
        return high if share >= 0.5 else low
    mixed = (1.0 - share) * np.array(low.qindex) + share * np.array(high.qindex)
    return QindexPlan(
        tuple(np.clip(np.round(mixed), 1, 255).astype(int).tolist()), low.hidden, low.shown_before
    )


def plan_of_json(fields: Mapping[str, Sequence[Any]]) -> QindexPlan:
    """The plan whose fields JSON has made lists of."""
    return QindexPlan(**{name: tuple(values) for name, values in fields.items()})


def constant_plan(qindex: int) -> QindexPlan:
    """The same qindex for every frame."""
    return QindexPlan((qindex, qindex), (False, True), (0, 0))


def follow_plans(events: Array, jobs: list[Job]) -> Array:
    """`encodes.Decide` for jobs whose `extra` is a tuple that ends with a PlanFollower."""
    answers = [job.extra[-1].answer(event) for event, job in zip(events, jobs, strict=True)]
    return np.array(answers, np.int32)
