"""Offline actor: plays a policy file and writes an episode log; needs neither JAX nor Reverb.

The C runtime plays a clip without noise; then its plan is played again with noise, once for every other
episode of the group (`acting.assignment.assign`): they are each other's peers. Copy the folder into a run's
`inbox`, under any name, and its learner takes the episodes in.
"""

from collections.abc import Callable
from pathlib import Path

from muzero_rc.acting.assignment import assign
from muzero_rc.acting.policy_actor import play_groups
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.experience.episode import SELFPLAY, Name
from muzero_rc.experience.episode_log import EpisodeWriter, read_log

KIND = "policy"


def play_to_log(
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
    report: Callable[[str], None] = print,
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
      report: takes lines for a person.

    Returns:
      Episodes in the log.
    """
    clips = find_clips(corpus)
    opened = engine.policy(policy)
    with ClipStore(engine, config, cache) as store:
        instances = store.prepared_corpus(clips)
        log = list(read_log(folder))
        done = len(log)
        group = config.actor.group
        last = max((one.index for one in log), default=-1)
        number = (last // group + 1) * group
        with EpisodeWriter(folder) as writer:
            while done < episodes:
                count = min(2 * config.actor.encoders, -(-(episodes - done) // group))
                work = [
                    assign(store, instances, config, n, stream=name)
                    for n in range(number, number + group * count, group)
                ]
                number += group * count
                played = play_groups(
                    store,
                    work,
                    opened,
                    lambda one, i: Name(f"{name}/{one.number + i}", KIND, name, one.number + i),
                    source=SELFPLAY,
                    step=step,
                )
                for episode in played:
                    writer.append(episode)
                    done += 1
                report(f"{done} episodes")
        return done
