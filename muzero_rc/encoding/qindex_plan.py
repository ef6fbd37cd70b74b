"""Plans: the shapes of one encode's GOPs and a qindex for each coded frame, and how another follows."""

import bisect
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import ALTREF, INTER, KEY, SHOW_EXISTING
from muzero_rc.encoding.coded_frames import CodedFrames, coded_frames
from muzero_rc.types import Array


@dataclass(frozen=True)
class QindexPlan:
    """The qindex of every coded frame, and which frame that was; in coding order, N long.

    Attributes:
      qindex: 0 to 255.
      frame_type: index into `layouts.FRAME_TYPES`.
      layer: of the pyramid; 0 throughout where it is not known.
      show_index: place in display order; of hidden frames the frames shown before, where it is not known.
      named: layers and places are libvpx's own, and not read from packets.
      shapes: asked for, GOP by GOP; none where libvpx shaped all of them. With the same shapes and all
        of the qindexes an encode gives the same bytes.
    """

    qindex: tuple[int, ...]
    frame_type: tuple[int, ...]
    layer: tuple[int, ...]
    show_index: tuple[int, ...]
    named: bool = True
    shapes: tuple[GopShape, ...] = ()

    def same_frames(self, other: "QindexPlan") -> bool:
        """Whether both are plans for the same coded frames."""
        return self.frame_type == other.frame_type and self.show_index == other.show_index


class PlanFollower:
    """Answers one encode's frames from a plan, whose own encode may have had other GOPs.

    The frame that has the same place in coding order, if it is the same frame; else the one most like it:
    hidden, key or shown as it is; then of the nearest layer; then the nearest in display order.
    """

    def __init__(self, plan: QindexPlan) -> None:
        """Args: plan: to follow from the first frame on."""
        self._plan = plan
        self._asked = 0  # libvpx's coding_index also counts show-existing frames
        every = range(len(plan.qindex))
        self._of_kind = {
            kind: _by_layer(plan, [i for i in every if _kind(plan.frame_type[i]) == kind])
            for kind in (KEY, INTER, ALTREF)
        }
        self._of_any_kind = _by_layer(plan, list(every))

    def answer(self, frame: Any) -> int:
        """The qindex for a frame, by its native event or record or the fields of its request."""
        frame_type, layer, show_index = (int(frame[n]) for n in ("frame_type", "layer", "show_index"))
        place = self._asked
        self._asked += 1
        if not self._is_at(place, frame_type, layer, show_index):
            place = self._most_alike(frame_type, layer, show_index)
        return self._plan.qindex[place]

    def _is_at(self, place: int, frame_type: int, layer: int, show_index: int) -> bool:
        plan = self._plan
        if place >= len(plan.qindex):
            return False
        if plan.named:
            there = (plan.frame_type[place], plan.layer[place], plan.show_index[place])
            return there == (frame_type, layer, show_index)
        kind, same_place = _kind(frame_type), plan.show_index[place] == show_index
        return kind == _kind(plan.frame_type[place]) and (kind == ALTREF or same_place)

    def _most_alike(self, frame_type: int, layer: int, show_index: int) -> int:
        plan, layers = self._plan, self._of_kind[_kind(frame_type)] or self._of_any_kind
        gap = min(abs(layer - other) for other in layers)
        alike: list[int] = []
        for other in {layer - gap, layer + gap} & layers.keys():
            # The first of this layer at or behind the place, and the last before it.
            shown = layers[other]
            at = bisect.bisect_left(shown, show_index, key=lambda i: plan.show_index[i])
            alike += shown[max(at - 1, 0) : at + 1]
        return min(
            alike,
            key=lambda i: (abs(plan.show_index[i] - show_index), plan.frame_type[i] != frame_type, i),
        )


def _by_layer(plan: QindexPlan, frames: Sequence[int]) -> dict[int, list[int]]:
    """Frames by layer, each list in display order."""
    layers: dict[int, list[int]] = {}
    for i in sorted(frames, key=lambda i: (plan.show_index[i], i)):
        layers.setdefault(plan.layer[i], []).append(i)
    return layers


def _kind(frame_type: int) -> int:
    return frame_type if frame_type in (KEY, ALTREF) else INTER


def plan_of_coded_frames(coded: CodedFrames, *, named: bool) -> QindexPlan:
    """The plan of an encode; `named`: it was made through the callbacks, which know layers and places."""
    return QindexPlan(
        qindex=tuple(coded.qindex),
        frame_type=tuple(coded.frame_type),
        layer=tuple(coded.layer),
        show_index=tuple(coded.show_index),
        named=named,
    )


def plan_of_packets(packets: Iterable[bytes]) -> QindexPlan:
    """The plan that an encode's packets give away."""
    return plan_of_coded_frames(coded_frames(packets, ()), named=False)


def plan_of_records(
    records: Array, qindex: Array | None = None, shapes: Sequence[GopShape] = ()
) -> QindexPlan:
    """The plan of an encode's records and shapes; `qindex` [N coded frames] replaces the records'."""
    coded = records[records["frame_type"] != SHOW_EXISTING]
    return QindexPlan(
        qindex=_qindexes(coded["qindex"] if qindex is None else qindex),
        frame_type=tuple(coded["frame_type"].tolist()),
        layer=tuple(coded["layer"].tolist()),
        show_index=tuple(coded["show_index"].tolist()),
        shapes=tuple(shapes),
    )


def between(low: QindexPlan, high: QindexPlan, share: float) -> QindexPlan:
    """`low` moved by `share` of the way to `high`, or past it; the nearer one if their frames differ."""
    if not low.same_frames(high):
        return high if share >= 0.5 else low
    mixed = (1.0 - share) * np.array(low.qindex) + share * np.array(high.qindex)
    return dataclasses.replace(low, qindex=_qindexes(mixed))


def _qindexes(values: Array) -> tuple[int, ...]:
    """Whole numbers that libvpx takes."""
    return tuple(np.clip(np.round(values), 1, 255).astype(int).tolist())


def plan_of_json(fields: Mapping[str, Any]) -> QindexPlan:
    """The plan whose fields JSON has made lists of."""
    columns = {name: tuple(fields[name]) for name in ("qindex", "frame_type", "layer", "show_index")}
    shapes = tuple(GopShape(**shape) for shape in fields.get("shapes", ()))
    return QindexPlan(**columns, named=bool(fields["named"]), shapes=shapes)


def constant_plan(qindex: int) -> QindexPlan:
    """The same qindex for every frame."""
    return QindexPlan((qindex,), (KEY,), (0,), (0,), named=False)


def follow_plans(events: Array, jobs: list[Job]) -> Array:
    """`batch.Decide` for jobs whose `extra` is a tuple that ends with a PlanFollower."""
    answers = [job.extra[-1].answer(event) for event, job in zip(events, jobs, strict=True)]
    return np.array(answers, np.int32)
