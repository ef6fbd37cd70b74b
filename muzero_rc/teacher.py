"""Plans made without the agent: libvpx's constant quality, and what search finds beyond it.

A constant-quality encode gives its qindex for every coded frame away in its headers. Replayed through
the hook, with VBR and the rate that it had as the target underneath, it becomes an episode.
"""

import bisect
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoder_bridge.bitstream import frame_headers
from encoder_bridge.records import ALTREF
from muzero_rc.catalogue import Instance
from muzero_rc.encodes import Encode, Job
from muzero_rc.episodes import TEACHER, Episode
from muzero_rc.reward import outcome_of
from muzero_rc.studio import Studio
from muzero_rc.types import Array


@dataclass(frozen=True)
class Plan:
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

    def __init__(self, plan: Plan) -> None:
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


def plan_of_packets(packets: Iterable[bytes]) -> Plan:
    """The plan that an encode's packets give away."""
    qindex, hidden, shown_before = [], [], []
    shown = 0
    for header in frame_headers(packets):
        if not header.show_existing_frame:
            qindex.append(header.base_q_idx)
            hidden.append(not header.show_frame)
            shown_before.append(shown)
        shown += header.show_existing_frame or header.show_frame
    return Plan(tuple(qindex), tuple(hidden), tuple(shown_before))


def plan_of_records(records: Array, qindex: Array | None = None) -> Plan:
    """The plan of an episode's records; `qindex` [N coded frames] replaces theirs."""
    coded = records[records["frame_type"] >= 0]
    chosen = coded["qindex"] if qindex is None else qindex
    hidden = coded["frame_type"] == ALTREF
    return Plan(
        tuple(np.clip(np.round(chosen), 1, 255).astype(int).tolist()),
        tuple(hidden.tolist()),
        tuple(coded["show_index"].tolist()),
    )


def follow_plans(events: Array, jobs: list[Job]) -> Array:
    """`encodes.Decide` for jobs whose `extra` is a tuple that ends with a PlanFollower."""
    answers = [job.extra[-1].answer(event) for event, job in zip(events, jobs, strict=True)]
    return np.array(answers, np.int32)


def replay_job(studio: Studio, uid: str, instance: Instance, target_kbps: int, plan: Plan) -> Job:
    """An encode of a plan through the hook, without guard, over VBR."""
    return studio.job(uid, instance, target_kbps, guard=False, extra=(instance, PlanFollower(plan)))


def episode_of(studio: Studio, done: Encode) -> Episode:
    """The teacher's episode that a replay made."""
    instance, target_kbps = done.job.extra[0], done.job.settings.target_kbps
    anchor_db = studio.anchor(instance).psnr_at(target_kbps)
    return Episode(
        uid=done.job.name,
        instance=instance.name,
        clip=instance.clip,
        target_kbps=target_kbps,
        source=TEACHER,
        greedy=True,
        step=0,
        config_hash="",
        encode_s=done.encode_s,
        rate_kbps=done.rate_kbps,
        psnr_y_db=done.psnr_y_db,
        outcome=outcome_of(done.rate_kbps, target_kbps, done.psnr_y_db, anchor_db),
        records=done.records,
    )


def constant_quality(
    studio: Studio, wanted: Sequence[tuple[Instance, int]], known: set[str]
) -> Iterator[Episode]:
    """Replays of constant-quality encodes.

    Args:
      studio: with all instances prepared.
      wanted: instances and cq-levels.
      known: uids that exist already; nothing is encoded for them.

    Yields:
      Episodes, in the order in which they end.
    """
    jobs = [
        studio.quality_job(instance, level, keep_packets=True)
        for instance, level in wanted
        if quality_uid(studio, instance, level) not in known
    ]
    by_name = {instance.name: instance for instance, _ in wanted}
    for group in _groups(jobs, 8 * studio.config.actor.encoders):
        replays = []
        for done in studio.play(group):
            if done.error:
                studio.fail(done.job.name, done.error)
                continue
            instance = by_name[done.job.extra]
            uid = quality_uid(studio, instance, done.job.settings.cq_level)
            target = max(1, round(done.rate_kbps))
            replays.append(replay_job(studio, uid, instance, target, plan_of_packets(done.packets)))
        for done in studio.play(replays, follow_plans):
            if done.error:
                studio.fail(done.job.name, done.error)
            else:
                yield episode_of(studio, done)


def quality_uid(studio: Studio, instance: Instance, cq_level: int) -> str:
    """Names the episode of an instance's constant-quality plan."""
    return f"{uid_of(studio, instance)}/q{cq_level}"


def uid_of(studio: Studio, instance: Instance) -> str:
    """What the uids of an instance's teacher episodes begin with: its name and its very frames."""
    return f"{instance.name}/{studio.footage(instance).key}"


def _groups(jobs: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
    return (jobs[i * size : (i + 1) * size] for i in range(math.ceil(len(jobs) / size)))
