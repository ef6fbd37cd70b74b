"""Offline data sets: scans of clips, or a run's own episodes, played in `Vp9Encode-v0` and written down."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.pool import PoolFactory
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.env import EnvClip, PairedGain, Vp9EncodeEnv, load_clip
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import build_instances
from muzero_rc.corpus.ladder import read_ladder
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.errors import DatasetError
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.episode_log import read_log
from muzero_rc.experience.minari_writer import MinariWriter, check_name
from muzero_rc.experience.offline_episodes import (
    OFFSETS,
    OfflineEpisode,
    play,
    qindexes_of,
    replayed,
    scans,
    shapes_of,
)

RUNGS = (1, 3)
"""Of a ladder beside the clips: the second coarsest and the second finest target."""
ENVIRONMENT = "encoder_bridge.env:Vp9Encode-v0"


@dataclass(frozen=True)
class ScanPlan:
    """What is scanned.

    Attributes:
      targets_kbps: for every clip; empty takes two of the ladder beside it.
      episodes: of each clip and target.
      max_frames: of each clip, None for all.
      seed: draws the scans.
    """

    targets_kbps: tuple[int, ...] = ()
    episodes: int = 8
    max_frames: int | None = None
    seed: int = 0


def write_dataset(
    episodes: Iterable[OfflineEpisode],
    name: str,
    folder: Path,
    description: str,
    report: Callable[[str], None],
) -> Path:
    """Writes a data set; returns its folder.

    Args:
      episodes: made as they are written.
      name: see `minari_writer.check_name`.
      folder: of all data sets.
      description: one line.
      report: takes lines for a person.

    Raises:
      DatasetError: the name cannot be used, or there are no episodes.
    """
    check_name(name, folder)
    env = gymnasium.make(ENVIRONMENT, offsets=OFFSETS)
    metadata = {"description": description, "algorithm_name": "scans", "requirements": ["muzero-rc"]}
    with MinariWriter(name, env, folder=folder, metadata=metadata) as writer:
        for episode in episodes:
            writer.append(episode)
            if writer.episodes % 50 == 0:
                report(f"{writer.episodes} episodes, {writer.steps} steps")
        if not writer.episodes:
            raise DatasetError("there are no episodes to write")
    return writer.path


def scanned(
    corpus: Path, config: EncoderConfig, plan: ScanPlan, *, new_pool: PoolFactory = _native.Pool
) -> Iterator[OfflineEpisode]:
    """Scans of all clips of a corpus.

    Args:
      corpus: a folder of clips, or one clip.
      config: of the encoder; size and frame rate come from each clip.
      plan: what is tried.
      new_pool: what encodes.

    Raises:
      CorpusError, LadderError: see `find_clips`, `read_ladder`.
      DatasetError: no targets are given, and none is in the ladder.
    """
    paths = find_clips(corpus)
    targets = _targets(paths, plan.targets_kbps)
    for number, path in enumerate(paths):
        clip = load_clip(path, config, max_frames=plan.max_frames)
        yield from _scanned_clip(clip, targets[path], plan, number, new_pool)


def _scanned_clip(
    clip: EnvClip, targets_kbps: Sequence[int], plan: ScanPlan, number: int, new_pool: PoolFactory
) -> Iterator[OfflineEpisode]:
    env = Vp9EncodeEnv([clip], targets_kbps, offsets=OFFSETS, reward=PairedGain(), new_pool=new_pool)
    lag = clip.config.lag_in_frames
    for target_kbps in targets_kbps:
        rng = np.random.default_rng([plan.seed, number])  # the same scans at every target
        for scan in scans(plan.episodes, len(clip.raw), lag, rng):
            yield play(env, scan.decider(), {"source": scan.name}, target_kbps=target_kbps)
    env.close()


def _targets(paths: Sequence[Path], targets_kbps: tuple[int, ...]) -> Mapping[Path, tuple[int, ...]]:
    if targets_kbps:
        return dict.fromkeys(paths, targets_kbps)
    ladder = read_ladder(paths[0].parent / "ladder-pyramid.csv")
    missing = [path.stem for path in paths if path.stem not in ladder]
    if missing:
        raise DatasetError(f"ladder-pyramid.csv has no targets for {missing[0]}: give them with --bitrates")
    return {path: tuple(ladder[path.stem].targets_kbps[rung] for rung in RUNGS) for path in paths}


def of_run(
    run_dir: Path, corpus: Path, config: Config, store: ClipStore, *, new_pool: PoolFactory = _native.Pool
) -> Iterator[OfflineEpisode]:
    """A run's own episodes, encoded again decision by decision.

    Args:
      run_dir: with the log.
      corpus: the clips that the run learned on.
      config: the run's.
      store: prepares them.
      new_pool: what encodes.

    Raises:
      DatasetError: none of the episodes' clips is in the corpus.
    """
    log = list(read_log(run_dir / "episodes"))
    wanted = {episode.instance for episode in log}
    instances = build_instances(find_clips(corpus), config.data, config.seed)
    prepared = {one.name for one in store.prepared([one for one in instances if one.name in wanted])}
    if not prepared:
        raise DatasetError(f"corpus {corpus}: none of the run's {len(wanted)} clips is there")
    reward = PairedGain()
    for name in sorted(prepared):
        clip = _clip_of(store, name)
        env = Vp9EncodeEnv([clip], [1], offsets=OFFSETS, reward=reward, guard=False, new_pool=new_pool)
        for episode in (one for one in log if one.instance == name):
            yield _replayed(env, episode)
        env.close()


def _replayed(env: Vp9EncodeEnv, episode: Episode) -> OfflineEpisode:
    note: dict[str, Any] = {"source": episode.source, "uid": episode.uid, "step": episode.step}
    return play(
        env, replayed(qindexes_of(episode), shapes_of(episode)), note, target_kbps=episode.target_kbps
    )


def _clip_of(store: ClipStore, name: str) -> EnvClip:
    blob, stats = store.first_pass(name), np.asarray(store.frame_stats(name), np.float64)
    return EnvClip(name, store.raw_clip(name), store.settings(name, 256), FirstPass(blob, stats))
