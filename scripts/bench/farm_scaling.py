"""From one machine to a hundred, on paper: what 10, 100, 1000 cores bring, from measured figures.

What an episode, an encode, a learner step and a task cost is measured here, in CPU seconds of all threads,
so that other programs on the machine count little; on one clip, the demo's, as long and as large as a
training clip, and with the settings of configs/base.toml. What more cores bring is then arithmetic:

    serial s an episode   = learner steps an episode * s a step + s to take it in + s a task / group
    alternating, s        = s an episode / cores + serial        (`rc-train run`: plays, then learns)
    side by side, s       = max(s an episode / cores, serial)    (`rc-train learner` and its actors)

docs/cluster.md says what follows. A cluster of this machine alone tells what a task costs, where Ray is
installed; --task-ms does elsewhere.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import jax
from bench_train import Run, copies, make_corpus

from muzero_rc.acting.assignment import group_size
from muzero_rc.config.schema import Config
from muzero_rc.experience.episode import Episode, from_bytes, to_bytes
from muzero_rc.experience.episode_log import EpisodeWriter
from muzero_rc.experience.sampler import BatchSampler

CORES = (1, 10, 100, 1000)
TASKS, STEPS, COPIES = 200, 12, 60


@dataclass(frozen=True)
class Figures:
    """What was measured; seconds are CPU seconds.

    Attributes:
      episode_s: an episode, search and encode.
      encode_s: its encode alone.
      step_s: a learner step, its batch included.
      take_in_s: what the driver does with an episode that arrives.
      task_s: what the driver does for a task, whatever that is.
      episode_mb, clip_mb, weights_mb: megabytes that travel: an episode, a clip's frames, the network.
    """

    episode_s: float
    encode_s: float
    step_s: float
    take_in_s: float
    task_s: float
    episode_mb: float
    clip_mb: float
    weights_mb: float


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of all threads of this process while `work` runs."""
    began = time.process_time()
    work()
    return time.process_time() - began


def playing(run: Run) -> tuple[list[Episode], float]:
    """Episodes of a group, and the CPU seconds that each took."""
    size = group_size(run.config.actor)
    run.play(0, size)  # compiles
    episodes: list[Episode] = []
    spent = cpu_s(lambda: episodes.extend(run.play(10 * size, size)))
    return episodes, spent / len(episodes)


def learning(run: Run) -> float:
    """CPU seconds of a learner step as it comes: drawn, some searched anew, learned from."""
    batches = BatchSampler(run.ingest, run.config, 1)
    share = run.config.learner.reanalyse_share

    def steps(count: int) -> None:
        for i in range(count):
            batch = batches.draw()
            if int((i + 1) * share) > int(i * share):
                batch = run.learner.reanalysed(run.state, batch)
            run.state, _ = jax.block_until_ready(run.learner.step(run.state, batch))

    steps(2)  # compiles
    return cpu_s(lambda: steps(STEPS)) / STEPS


def taking_in(run: Run, episodes: list[Episode], folder: Path) -> float:
    """CPU seconds of the driver for an episode: read, logged, ingested."""
    payloads = [to_bytes(one) for one in copies(episodes, COPIES)]

    def take() -> None:
        with EpisodeWriter(folder / "log") as writer:
            for payload in payloads:
                episode = from_bytes(payload)
                writer.append(episode)
                run.ingest.add(episode)

    return cpu_s(take) / COPIES


def task_s() -> float:
    """CPU seconds of the driver for a task that does nothing."""
    from muzero_rc.distributed.ray_farm import RayFarm

    farm = RayFarm()
    try:
        farm.submit(abs, -1).result()

        def tasks() -> None:
            for future in [farm.submit(abs, -number) for number in range(TASKS)]:
                future.result()

        return cpu_s(tasks) / TASKS
    finally:
        farm.close()


def measured(task_ms: float | None) -> tuple[Figures, Config]:
    """All figures, and the settings that they are of."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_corpus(folder / "corpus")
        run = Run(folder, "replay.engine=memory")
        episodes, episode_s = playing(run)
        clip = run.store.raw_clip(run.instances[0])
        weights = sum(x.nbytes for x in jax.tree_util.tree_leaves(run.state.average))
        figures = Figures(
            episode_s=episode_s,
            encode_s=sum(one.encode_s for one in episodes) / len(episodes),
            step_s=learning(run),
            take_in_s=taking_in(run, episodes, folder),
            task_s=task_s() if task_ms is None else task_ms / 1e3,
            episode_mb=sum(len(to_bytes(one)) for one in episodes) / len(episodes) / 1e6,
            clip_mb=clip.frames.nbytes / 1e6,
            weights_mb=weights / 1e6,
        )
        run.close()
        return figures, run.config


def table(one: Figures, config: Config) -> str:
    """What cores bring, as Markdown."""
    learner, group = config.learner, group_size(config.actor)
    steps = config.replay.replay_ratio / (learner.batch_size * (1.0 - config.replay.demonstration_share))
    serial_s = steps * one.step_s + one.take_in_s + one.task_s / group
    each_mb = one.episode_mb + one.clip_mb / group  # a clip goes to a machine once a group, at worst
    lines = [
        f"A learner takes {steps:.2f} steps an episode. Serial: {1e3 * serial_s:.0f} ms an episode, in which "
        f"{one.episode_s / serial_s:.0f} cores play one. Encodes alone: one driver keeps "
        f"{one.encode_s / one.task_s:.0f} cores busy.",
        "",
        "| cores | encodes a second | driver's core busy | alternating: episodes an hour | cores busy "
        "| side by side: episodes an hour | cores busy | to the driver and back, MB/s |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for cores in CORES:
        encodes = min(cores / one.encode_s, 1.0 / one.task_s)
        play_s = one.episode_s / cores
        both, wide = play_s + serial_s, max(play_s, serial_s)
        alone = f"{encodes:.1f} | {encodes * one.task_s:.0%}"
        rounds = (f"{3600 / each:.0f} | {play_s / each:.0%}" for each in (both, wide))
        lines.append(f"| {cores} | {alone} | {' | '.join(rounds)} | {each_mb / wide:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Prints figures and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task-ms", type=float, help="what a task costs the driver; measured where Ray is")
    options = parser.parse_args()
    if options.task_ms is None and importlib.util.find_spec("ray") is None:
        parser.error("Ray is not installed: pip install 'muzero-rc[cluster]', or give --task-ms")
    figures, config = measured(options.task_ms)
    for field in fields(figures):
        print(f"{field.name:<12} {getattr(figures, field.name):.4g}")
    print(f"\n{table(figures, config)}")


if __name__ == "__main__":
    main()
