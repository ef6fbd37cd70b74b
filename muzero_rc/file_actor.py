"""An actor that needs neither JAX nor Reverb: plays a policy file and writes episode files.

The C runtime plays a clip without noise; then its plan is played again with noise, once for every other
episode of the group (`assignments.assign`): they are each other's peers. Copy the folder into a run's
`inbox`, under any name, and its learner takes the episodes in.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from muzero_rc.assignments import Assignment, StructuredNoise, assign
from muzero_rc.catalogue import CorpusError, catalogue_of, find_clips
from muzero_rc.config import Config
from muzero_rc.encodes import Encode, Job
from muzero_rc.episodes import SELFPLAY, Episode, EpisodeWriter, read_log
from muzero_rc.plan import PlanFollower, plan_of_records
from muzero_rc.reward import outcome_of
from muzero_rc.studio import Engine, Studio
from muzero_rc.types import Array


def act_to_files(
    config: Config,
    corpus: Path,
    policy: str,
    name: str,
    folder: Path,
    *,
    engine: Engine,
    cache: Path,
    episodes: int,
    step: int = 0,
    say: Callable[[str], None] = print,
) -> int:
    """Plays until the log in `folder` has `episodes` episodes.

    Args:
      config: of the run that will learn from them.
      corpus: the same clips as the learner's.
      policy: a policy file, or "controller".
      name: of this actor; its episodes' uids begin with it, so no two actors may share it.
      folder: the log; one that was there before is gone on with.
      engine: of the encoders.
      cache: as for `train.train`.
      episodes: in all, those of earlier calls included; whole groups are played.
      step: of the learner that made the policy.
      say: takes lines for a person.

    Returns:
      Episodes in the log.
    """
    clips = find_clips(corpus)
    native = engine.native.Policy(policy)
    studio = Studio(engine, config, cache)
    try:
        instances = studio.prepared(catalogue_of(clips, config.data, config.seed))
        if not instances:
            raise CorpusError(f"corpus {corpus}: none of its {len(clips)} clips can be encoded")
        log = list(read_log(folder))
        done = len(log)
        group = config.actor.group
        last = max((int(one.uid.rpartition("/")[2]) for one in log), default=-1)
        number = (last // group + 1) * group
        with EpisodeWriter(folder) as writer:
            while done < episodes:
                count = min(2 * config.actor.encoders, -(-(episodes - done) // group))
                work = [
                    assign(studio, instances, config, n, stream=name)
                    for n in range(number, number + group * count, group)
                ]
                number += group * count
                for episode in _groups(studio, work, native, name, step):
                    writer.append(episode)
                    done += 1
                say(f"{done} episodes")
        return done
    finally:
        studio.close()


def _groups(
    studio: Studio, work: list[Assignment], policy: object, name: str, step: int
) -> Iterator[Episode]:
    """Each assignment played by the policy, then with noise by the rest of its group."""
    greedy = (
        studio.job(
            f"{name}/{one.number}", one.instance, one.target_kbps, mode="policy", policy=policy, extra=(one,)
        )
        for one in work
    )
    played = []
    for done in studio.play(greedy):
        if done.error:
            studio.fail(done.job.name, done.error)
            continue
        played.append(done)
        yield _episode(studio, done, step, greedy=True)
    rest = range(1, studio.config.actor.group)
    again = (_noisy_job(studio, one, f"{name}/{one.job.extra[0].number + i}") for one in played for i in rest)
    for done in studio.play(again, _follow_with_noise):
        if done.error:
            studio.fail(done.job.name, done.error)
        else:
            yield _episode(studio, done, step, greedy=False)


def _noisy_job(studio: Studio, played: Encode, uid: str) -> Job:
    one: Assignment = played.job.extra[0]
    noise = StructuredNoise(uid, studio.config.actor, played.job.footage.frames)
    extra = (one, noise, PlanFollower(plan_of_records(played.records)))
    return studio.job(uid, one.instance, one.target_kbps, guard=studio.config.encode.guard, extra=extra)


def _follow_with_noise(events: Array, jobs: list[Job]) -> Array:
    """`encodes.Decide` of `_noisy_job`."""
    answers = [
        job.extra[2].answer(event) + job.extra[1].of(event) for event, job in zip(events, jobs, strict=True)
    ]
    return np.array(answers, np.int32)


def _episode(studio: Studio, done: Encode, step: int, *, greedy: bool) -> Episode:
    one: Assignment = done.job.extra[0]
    anchor_db = studio.anchor(one.instance).psnr_at(one.target_kbps)
    return Episode(
        uid=done.job.name,
        instance=one.instance.name,
        clip=one.instance.clip,
        target_kbps=one.target_kbps,
        source=SELFPLAY,
        greedy=greedy,
        step=step,
        config_hash="",
        encode_s=done.encode_s,
        rate_kbps=done.rate_kbps,
        psnr_y_db=done.psnr_y_db,
        outcome=outcome_of(done.rate_kbps, one.target_kbps, done.psnr_y_db, anchor_db),
        records=done.records,
    )
