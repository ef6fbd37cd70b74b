"""make bench, training's part: what acting, searching and learning cost, and the memory of a run.

The network and the settings are those of configs/base.toml; its weights are new ones that lean towards
the controller, which cost what trained ones cost. Where a call is timed, the best of many counts: other
programs on the machine slow single calls, not the best one. Nothing here is a test; nothing fails when a
figure is missed.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from bench import Row, decode, show

from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import assign
from muzero_rc.agent.batch import privileged_width
from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import exo_width, make_networks
from muzero_rc.agent.search import Root, make_search
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import load_config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance, build_instances
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import Replay, make_replay
from muzero_rc.experience.sampler import BatchSampler
from muzero_rc.reward.rules import rule_of
from muzero_rc.types import Params, Schedule

CORES = 2
SIZE, FRAMES = (352, 198), 130
EPISODES = 24  # played while measuring
TRANSITIONS = 100_000
STEPS = 20
CONFIG = Path(__file__).parents[2] / "configs" / "base.toml"
CHANGES = ("data.augment=false", "data.max_frames=130", "budget.episodes=100000")


class Run:
    """What a run has in memory: encoders, one clip, a network, self-play, replay."""

    def __init__(self, folder: Path, *changes: str) -> None:
        self.config: Config = load_config(CONFIG, [*CHANGES, *changes])
        engine = libvpx_engine()
        self.store = ClipStore(engine, self.config, folder / "cache")
        clips = find_clips(folder / "corpus")
        self.instances: list[Instance] = self.store.prepared(build_instances(clips, self.config.data, 1))
        self.replay: Replay = make_replay(self.config.replay, 1)
        self.ingest = Ingest(self.store, self.replay, Opponents(rule_of(self.config.reward)))
        self.networks = make_networks(self.config.network, engine.widths)
        self.learner = make_learner(self.config, self.networks)
        state = self.learner.init(jax.random.PRNGKey(1))
        self.state = state._replace(params=self._leaning(state.params), average=self._leaning(state.average))
        schedules, pairs = self.ingest.schedules, self.ingest.pairs
        self.actor = Actor(self.store, self.networks, self.config, schedules, pairs)

    def _leaning(self, params: Params) -> Params:
        """The same with a policy that stays near the controller, as a trained one does."""
        name = next(module for module in params if module.endswith("policy_logits"))
        bias = -((jnp.asarray(self.config.network.actions, jnp.float32) / 4.0) ** 2)
        return {**params, name: {**params[name], "b": bias}}

    def play(self, first: int, count: int) -> list[Episode]:
        """Episodes of these numbers, taken in as they end."""
        self.actor.set_weights(self.state.average, 0)
        numbers = range(first, first + count)
        work = (assign(self.store, self.instances, self.config, number) for number in numbers)
        episodes = []
        for episode in self.actor.play(work, self.ingest.opponents, "bench"):
            self.ingest.add(episode)
            if episode.source == SELFPLAY:
                episodes.append(episode)
        return episodes

    def close(self) -> None:
        """Ends encoders and replay."""
        self.replay.close()
        self.store.close()


def make_corpus(folder: Path) -> None:
    """A folder with the demo's clip, as long and as large as a training clip."""
    folder.mkdir(parents=True)
    (folder / "bikes.mkv").write_bytes(decode(SIZE, FRAMES, "-c:v", "ffv1", "-f", "matroska"))


def machine_busy_s() -> float:
    """CPU seconds that all programs of this machine have used on our cores."""
    ours = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    ticks = [sum(map(int, words[1:4] + words[6:9])) for words in lines if words[0] in ours]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def acting(run: Run) -> list[Row]:
    """Self-play with search, from the first episode's start to the last one's end."""
    run.play(0, run.config.actor.encoders)  # compiles; and the schedules are known from here on
    began, busy_s, cpu_s = time.perf_counter(), machine_busy_s(), time.process_time()
    episodes = run.play(1000, EPISODES)
    cores_s, cpu_s = CORES * (time.perf_counter() - began), time.process_time() - cpu_s
    others_s = max(0.0, machine_busy_s() - busy_s - cpu_s)
    libvpx_s = sum(episode.encode_s for episode in episodes)
    decisions = sum(int((episode.records["frame_type"] >= 0).sum()) for episode in episodes)
    share = f"{libvpx_s / cores_s:.1%}"
    if others_s > 0.02 * cores_s:
        share += f", {libvpx_s / (cores_s - others_s):.1%} of what other programs left us"
    return [
        ("acting with search, share of 2 cores' time inside libvpx", share, "at least 85 %"),
        ("the rest of acting, CPU time per decision", f"{1e3 * (cpu_s - libvpx_s) / decisions:.2f} ms", ""),
        ("libvpx, CPU time per decision", f"{1e3 * libvpx_s / decisions:.1f} ms", ""),
    ]


def searching(run: Run) -> Row:
    """One search over as many states as there are encoders."""
    config, batch = run.config, run.config.actor.encoders
    depth, rule = config.search.depth, rule_of(config.reward)
    search = make_search(run.networks, config.network, config.search, rule, depth=depth, guarded=True)
    rng = np.random.default_rng(1)
    state = rng.normal(size=(batch, config.network.width)).astype(np.float32)
    width = exo_width(config.network, run.store.engine.widths)
    exo = rng.normal(size=(batch, depth, width)).astype(np.float32)
    widths, scale = run.store.engine.widths, np.full((batch, 1), 0.3, np.float32)
    step = rng.normal(size=(batch, widths.step)).astype(np.float32)
    ahead = np.zeros((batch, depth), np.int32)
    forecast = run.networks.forecasts(step, Schedule(ahead, ahead, ahead))
    privileged = np.zeros((batch, privileged_width(widths.layers)), np.float32)
    root = Root(state, exo, forecast, privileged, np.zeros((batch, 3), np.float32))
    key = jax.random.PRNGKey(1)
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        jax.block_until_ready(search(run.state.average, key, root, scale))
        seconds.append(time.perf_counter() - start)
    what = f"search, {config.search.simulations} simulations, batch of {batch}, per decision"
    return (what, f"{1e3 * min(seconds) / batch:.2f} ms", "at most 0.5 ms")


def learning(run: Run) -> list[Row]:
    """A learner step and what comes before it."""
    batches = BatchSampler(run.ingest, run.config, 1)
    spent: dict[str, list[float]] = {"drawn": [], "searched anew": [], "step": []}
    for _ in range(STEPS):
        times = [time.perf_counter()]
        batch = batches.draw()
        times.append(time.perf_counter())
        batch, _ = jax.block_until_ready(run.learner.reanalysed(run.state, batch))
        times.append(time.perf_counter())
        run.state, _ = jax.block_until_ready(run.learner.step(run.state, batch))
        times.append(time.perf_counter())
        for name, seconds in zip(spent, np.diff(times), strict=True):
            spent[name].append(seconds)
    drawn, searched, step = (f"{1e3 * min(seconds):.0f} ms" for seconds in spent.values())
    learner = run.config.learner
    what = (
        f"learner step, {learner.batch_size} episodes x {learner.windows} windows, K = {learner.unroll_steps}"
    )
    ratio = f"an episode is learned from {run.config.replay.replay_ratio:g} times"
    return [
        (what, step, ratio),
        ("its batch: drawn, and where reanalysed, searched anew", f"{drawn}, {searched}", ""),
    ]


def copies(episodes: Iterable[Episode], count: int) -> Iterable[Episode]:
    """So many episodes that are new to a log, replay or cache."""
    given = list(episodes)
    for i in range(count):
        yield dataclasses.replace(given[i % len(given)], uid=f"copy/{i}")


def whole_run(folder: Path) -> None:
    """Fills Reverb with 100 000 transitions, learns and plays; prints this process's peak memory in KiB.

    Traces are kept for as many episodes as a long run keeps.
    """
    count = -(-TRANSITIONS // FRAMES)
    run = Run(folder, f"replay.episodes={count}")
    run.ingest.add_all(copies(run.play(0, 4), count))
    batches = BatchSampler(run.ingest, run.config, 1)
    for step in range(420):
        batch = batches.draw()
        if step % 60 == 0:
            batch, _ = run.learner.reanalysed(run.state, batch)
            run.state, _ = run.learner.step(run.state, batch)
    run.play(1000, 4)
    held = run.replay.sizes()
    run.close()
    status = Path("/proc/self/status").read_text().splitlines()
    peak_kib = next(line for line in status if "VmHWM" in line).split()[1]
    print(json.dumps({"peak_kib": int(peak_kib), "episodes": sum(held.values())}))


def memory(folder: Path) -> Row:
    """Peak memory of `whole_run` in a process of its own, the Reverb server inside."""
    words = [sys.executable, "-P", __file__, "whole-run", str(folder)]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]])
    environment = os.environ | {"PYTHONPATH": path}
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=environment).stdout
    found = json.loads(printed.splitlines()[-1])
    what = f"memory of a local run, {found['episodes'] * FRAMES} transitions in Reverb"
    return (what, f"{found['peak_kib'] / 2**20:.2f} GiB", "at most 4 GB")


def on_two_cores() -> None:
    """Begins this program again on two cores where there are more, before anything starts threads."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > CORES:
        os.sched_setaffinity(0, cores[:CORES])
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def main() -> None:
    """Prints the table."""
    on_two_cores()
    if sys.argv[1:2] == ["whole-run"]:
        whole_run(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_corpus(folder / "corpus")
        run = Run(folder, "replay.engine=memory")
        show(acting(run))
        show([searching(run)])
        show(learning(run))
        run.close()
        show([memory(folder)])


if __name__ == "__main__":
    main()
