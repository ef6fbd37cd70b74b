"""Offline actor: plays a policy file and writes an episode log; needs neither JAX nor Reverb.

The C runtime plays a clip without noise; then its plan is played again with noise, once for every other
episode of the group (`acting.assignment.assign`): they compete with each other. Copy the folder into a
run's `inbox`, under any name, and its learner takes the episodes in.
"""

from collections.abc import Callable
from pathlib import Path

from muzero_rc.acting.assignment import assign, group_size
from muzero_rc.acting.paired_play import play_pairs
from muzero_rc.acting.policy_actor import play_groups
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.experience.episode import PAIRED, SELFPLAY, Name
from muzero_rc.experience.episode_log import EpisodeWriter, read_log
from muzero_rc.experience.paired import PairedEncodes

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
      Episodes in the log, paired encodes not counted.
    """
    clips = find_clips(corpus)
    opened = engine.policy(policy)
    with ClipStore(engine, config, cache) as store:
        instances = store.instances(clips)
        log = list(read_log(folder))
        played_before = [one for one in log if one.source == SELFPLAY]
        pairs = PairedEncodes(store.anchor)
        known = {one.name: one for one in instances}
        for one in log:
            if one.source == PAIRED and one.instance in known and store.ready(known[one.instance]):
                pairs.add(one)
        done = len(played_before)
        group = group_size(config.actor)
        last = max((one.index for one in played_before), default=-1)
        number = (last // group + 1) * group
        with EpisodeWriter(folder) as writer:
            while done < episodes:
                count = min(2 * config.actor.encoders, -(-(episodes - done) // group))
                work = [
                    assign(store, instances, config, n, stream=name)
                    for n in range(number, number + group * count, group)
                ]
                number += group * count
                for paired in play_pairs(store, work, pairs):
                    writer.append(paired)
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
