"""Plans made without the agent: libvpx's constant quality, the controller's, and what search finds beyond.

A constant-quality encode gives its qindex for every coded frame away in its headers. Replayed through
the hook, with VBR and the rate that it had as the target underneath, it becomes an episode. The anchor
curve's encodes give a few such plans; those between them are interpolated.
"""

import bisect
import zlib
from collections.abc import Iterator, Sequence

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, between, follow_plans
from muzero_rc.experience.episode_log import TEACHER, Episode
from muzero_rc.reward.outcome import outcome_of


def replay_job(store: ClipStore, uid: str, instance: Instance, target_kbps: int, plan: QindexPlan) -> Job:
    """An encode of a plan through the hook, without guard, over VBR."""
    return store.job(uid, instance, target_kbps, guard=False, extra=(instance, PlanFollower(plan)))


def episode_of(store: ClipStore, done: BatchResult) -> Episode:
    """The teacher's episode that a replay made."""
    instance, target_kbps = done.job.extra[0], done.job.settings.target_kbps
    anchor_db = store.anchor(instance).psnr_at(target_kbps)
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


def quality_job(store: ClipStore, instance: Instance, cq_level: float) -> Job:
    """The replay of constant quality at a level; between an anchor's levels plans are interpolated."""
    encodes = store.quality[instance.name]
    levels = [encode.cq_level for encode in encodes]
    at = min(max(bisect.bisect_right(levels, cq_level) - 1, 0), len(encodes) - 2)
    low, high = encodes[at], encodes[at + 1]
    share = (cq_level - low.cq_level) / (high.cq_level - low.cq_level)
    rate_kbps = low.rate_kbps * (high.rate_kbps / low.rate_kbps) ** share
    plan = between(low.plan, high.plan, share)
    return replay_job(store, quality_uid(store, instance, cq_level), instance, max(1, round(rate_kbps)), plan)


def constant_quality(
    store: ClipStore, wanted: Sequence[tuple[Instance, int]], known: set[str]
) -> Iterator[Episode]:
    """Replays of constant-quality plans.

    Args:
      store: with all instances prepared.
      wanted: instances and cq-levels.
      known: uids that exist already; nothing is encoded for them.

    Yields:
      Episodes, in the order in which they end.
    """
    jobs = (
        quality_job(store, instance, level)
        for instance, level in wanted
        if quality_uid(store, instance, level) not in known
    )
    for done in store.play(jobs, follow_plans):
        if done.error:
            store.fail(done.job.name, done.error)
        else:
            yield episode_of(store, done)


def controller_episodes(store: ClipStore, wanted: Sequence[tuple[Instance, int]]) -> Iterator[Episode]:
    """What the controller does by itself.

    Args:
      store: with all instances prepared.
      wanted: instances and targets in kbps.

    Yields:
      Episodes, in the order in which they end.
    """
    policy = store.engine.native.Policy(CONTROLLER)
    jobs = (
        store.job(controller_uid(store, *each), *each, mode="policy", policy=policy, extra=each)
        for each in wanted
    )
    for done in store.play(jobs):
        if done.error:
            store.fail(done.job.name, done.error)
        else:
            yield episode_of(store, done)


def unchanged_first(instances: Sequence[Instance]) -> list[Instance]:
    """Clips as they are before augmented ones; of either, in an order that their names draw."""
    return sorted(instances, key=lambda one: (one.augmented, zlib.crc32(one.name.encode())))


def spread_targets(store: ClipStore, instance: Instance, parts: int, stream: str = "") -> list[int]:
    """Targets in kbps, one somewhere in each of equal parts of the anchor's log rates."""
    rates = store.anchor(instance).rates_kbps
    targets = []
    for part in range(parts):
        share = (part + zlib.crc32(f"{instance.name}/{stream}{part}".encode()) / 2.0**32) / parts
        targets.append(max(1, round(rates[0] ** (1.0 - share) * rates[-1] ** share)))
    return targets


def quality_uid(store: ClipStore, instance: Instance, cq_level: float) -> str:
    """Names the episode of an instance's constant-quality plan."""
    return f"{uid_of(store, instance)}/q{cq_level:g}"


def controller_uid(store: ClipStore, instance: Instance, target_kbps: int) -> str:
    """Names the controller's episode of an instance at a target."""
    return f"{uid_of(store, instance)}/p{target_kbps}"


def uid_of(store: ClipStore, instance: Instance) -> str:
    """What the uids of an instance's teacher episodes begin with: its name and its very frames."""
    return f"{instance.name}/{store.raw_clip(instance).key}"
