"""Whole runs on the fake encoder: reproducible, restartable, learning."""

import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.learn_samples import TINY, fake_engine, toy_config, toy_corpus

from encoder_bridge import _native
from encoder_bridge.testing.fake_pool import FakePool
from encoder_bridge.testing.knapsack_optimum import TOY_CONFIG, toy_optimum
from muzero_rc.corpus.anchor import anchor_of
from muzero_rc.corpus.clips import CorpusError
from muzero_rc.errors import RunError
from muzero_rc.experience.episode import SELFPLAY
from muzero_rc.experience.episode_log import read_log
from muzero_rc.experience.opponents import replayed
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.reward.rules import rule_of
from muzero_rc.training.logger import read_metrics
from muzero_rc.training.train import train


def run(folder, *changes, run_dir="run", clips=1, lines=None, **options):
    """One training run under `folder`; returns its last figures."""
    toy_corpus(folder / "corpus", clips)
    return train(
        toy_config(*TINY, *changes),
        folder / "corpus",
        folder / run_dir,
        engine=fake_engine(),
        cache=folder / "cache",
        report=(lines if lines is not None else []).append,
        **options,
    )


def played(folder):
    """The self-play episodes of a run's log."""
    return [e for e in read_log(folder / "run" / "episodes") if e.source == SELFPLAY]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """A short run that several tests look at; (its folder, what it said)."""
    folder, lines = tmp_path_factory.mktemp("first"), []
    run(folder, "budget.episodes=8", lines=lines)
    return folder, lines


def test_a_run_leaves_all_that_it_should(first_run):
    folder, lines = first_run
    names = {path.name for path in (folder / "run").iterdir()}
    assert {"config.toml", "run.json", "episodes", "checkpoints", "policies", "metrics.jsonl"} <= names
    assert (folder / "run" / "policies" / "latest.safetensors").exists()
    assert list((folder / "run" / "tensorboard").iterdir())
    assert len(played(folder)) == 8
    progress = lines[-1]
    assert all(word in progress for word in ("win", "over", "fill", "gain", "episodes", "/h", "KL", "ETA"))
    (*_, logged) = read_metrics(folder / "run", "train")
    asked_for = ("win_rate", "greedy", "gain", "gain_low", "gain_high", "search_kl", "search_q_spread")
    assert logged.keys() >= {*asked_for, "sample_age", "encoder_share", "episodes_per_hour"}


def test_the_same_seed_gives_the_same_curve(first_run, tmp_path):
    run(tmp_path, "budget.episodes=8")
    curves = []
    for folder in (first_run[0], tmp_path):
        reports = read_metrics(folder / "run", "train")
        clocks = ("encode_s", "episodes_per_hour", "encoder_share")
        curves.append([{k: v for k, v in r.items() if k not in clocks} for r in reports])
        episodes = list(read_log(folder / "run" / "episodes"))
        curves.append([(e.uid, e.target_kbps, e.records["qindex"].tolist()) for e in episodes])
    assert curves[0] == curves[2] and len(curves[0]) == 3
    assert curves[1] == curves[3]


def test_going_on_adds_to_what_was(first_run):
    folder, _ = first_run
    lines = []
    run(folder, "budget.episodes=12", resume=True, lines=lines)
    assert any(line.startswith("going on from step") for line in lines)
    assert sorted(e.uid for e in played(folder)) == sorted(f"self/{i}" for i in range(12))


def test_scores_come_out_of_the_log_again(first_run):
    folder, _ = first_run
    rule = rule_of(toy_config().reward)
    anchor = anchor_of([(1.0, 0.0), (math.e, 4.7)])
    logs = (read_log(folder / "run" / "episodes") for _ in range(2))
    once, twice = (replayed(log, rule, PairedEncodes(lambda _: anchor)) for log in logs)
    assert once.table == twice.table and sum(o.episodes for o in once.table.values()) > 0
    keys = {f"{e.instance}@{e.target_kbps}" for e in played(folder)}
    assert once.table.keys() == keys


@pytest.mark.parametrize(
    "change",
    ["search.enabled=false", "network.action_mode=absolute", "network.look_ahead=false", "reward.rule=paper"],
)
def test_ablations_are_one_line(tmp_path, change):
    figures = run(tmp_path, change, "budget.episodes=4")
    assert figures["episodes"] == 4 and np.isfinite(figures["loss"])


def test_folders_that_cannot_be_used(first_run, tmp_path):
    folder, _ = first_run
    with pytest.raises(RunError, match="--resume"):
        run(folder)
    with pytest.raises(RunError, match="its network differs"):
        run(folder, "network.width=16", resume=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("dear diary")
    with pytest.raises(RunError, match="holds something else"):
        run(tmp_path)
    assert (tmp_path / "run" / "thesis.txt").read_text() == "dear diary"
    (tmp_path / "run" / "run.json").write_text('{"version": 99}')
    with pytest.raises(RunError, match="of version 99, this program's is 1"):
        run(tmp_path, resume=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusError, match="no videos in it"):
        train(toy_config(), empty, tmp_path / "new", engine=fake_engine(), cache=tmp_path / "cache")
    assert not (tmp_path / "new").exists()


def test_a_clip_that_cannot_be_decoded_is_skipped_and_counted(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    (tmp_path / "corpus" / "broken.mkv").write_bytes(b"no video" * 99)
    figures = run(tmp_path, "budget.episodes=4")
    assert figures["failures"] == 1 and figures["episodes"] == 4


class FlakyPool(FakePool):
    """Encoders of which one does not start."""

    starts = 0

    def start(self, *words, **options):
        FlakyPool.starts += 1
        if FlakyPool.starts == 3:
            raise _native.NativeError("no memory for an encoder")
        super().start(*words, **options)


def test_what_was_damaged_and_what_fails_ends_no_run(first_run, tmp_path):
    """A checkpoint and the log's last frame cut short, an encoder that fails, another kind of replay."""
    pytest.importorskip("reverb")
    shutil.copytree(first_run[0], tmp_path, dirs_exist_ok=True)
    before, newest = sorted((tmp_path / "run" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    segment = sorted((tmp_path / "run" / "episodes").iterdir())[-1]
    segment.write_bytes(segment.read_bytes() + segment.read_bytes()[:100])
    known = [e.uid for e in read_log(tmp_path / "run" / "episodes")]
    count = len(played(tmp_path))
    engine = fake_engine()
    engine.native.Pool = FlakyPool
    lines = []
    figures = train(
        toy_config(*TINY, f"budget.episodes={count + 4}", "replay.engine=reverb", "reward.rule=fixed"),
        tmp_path / "corpus",
        tmp_path / "run",
        engine=engine,
        cache=tmp_path / "cache",
        resume=True,
        report=lines.append,
    )
    assert any(line.startswith(f"going on from step {int(before.stem)},") for line in lines)
    assert figures["failures"] == 1 and np.isfinite(figures["loss"])
    after = [e.uid for e in read_log(tmp_path / "run" / "episodes")]
    assert after[: len(known)] == known and len(after) == len(set(after))
    assert len(played(tmp_path)) == count + 4


RUNNER = """
import sys
from pathlib import Path
from support.learn_samples import fake_engine, toy_config
from muzero_rc.training.train import train
folder = Path(sys.argv[1])
train(toy_config(*sys.argv[2:]), folder / "corpus", folder / "run", engine=fake_engine(),
      cache=folder / "cache", resume=True, report=lambda line: print(line, flush=True))
"""


def test_kill_9_and_resume(tmp_path):
    """Killed after its first round, gone on with to the end: every episode once, none lost."""
    toy_corpus(tmp_path / "corpus", 1)
    command = [sys.executable, "-c", RUNNER, str(tmp_path), *TINY, "budget.episodes=12"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        while "episodes," not in (line := process.stdout.readline()):
            assert line, "the run ended before its first round"
        os.kill(process.pid, signal.SIGKILL)
    before = {e.uid for e in played(tmp_path)}
    assert len(before) >= 3
    subprocess.run(command, check=True, env=environment, capture_output=True)
    after = [e.uid for e in played(tmp_path)]
    assert before <= set(after) and sorted(after) == sorted(f"self/{i}" for i in range(len(after)))


@pytest.mark.slow
def test_kill_9_at_any_moment(tmp_path):
    """While it prepares, before and while it learns, between two appends: always gone on with."""
    toy_corpus(tmp_path / "corpus", 1)
    words = [sys.executable, "-c", RUNNER, str(tmp_path), *TINY, "budget.episodes=40", "imitation.steps=100"]
    words += ["demonstrations.cq_levels=[50, 40, 30]"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    lost = set()
    for moment in ("making frames", "making demonstrations", "step 100", "episodes,", "episodes,"):
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
            while moment not in (line := process.stdout.readline()):
                assert line, f"the run ended before {moment!r}"
            size = log_bytes(tmp_path / "run")
            while moment == "episodes," and log_bytes(tmp_path / "run") == size and process.poll() is None:
                pass  # until it is in the midst of its next round
            os.kill(process.pid, signal.SIGKILL)
        known = {e.uid for e in played(tmp_path)}
        assert lost <= known
        lost = known
    subprocess.run(words, check=True, env=environment, capture_output=True)
    after = [e.uid for e in played(tmp_path)]
    assert lost <= set(after) and sorted(after) == sorted(f"self/{i}" for i in range(len(after)))
    assert len(after) == 40


def log_bytes(run_dir):
    """How much there is of a run's episode log."""
    return sum(path.stat().st_size for path in (run_dir / "episodes").glob("*"))


def shortfall_db(frames, episodes):
    """How far noise-free episodes stay under the best plan's PSNR at their targets, on average."""
    missing = []
    for episode in episodes:
        optimum = toy_optimum(frames[episode.clip], TOY_CONFIG.replace(target_kbps=episode.target_kbps))
        assert episode.outcome.overshoot == 0.0
        missing.append((optimum.psnr_y_db - episode.psnr_y_db, episode.psnr_y_db / optimum.psnr_y_db))
    return np.mean(missing, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("search", ["true", "false"])
def test_the_toys_optimum_is_found(tmp_path, search):
    """A budget split between easy and hard scenes: the agent ends within 2 % of the best plan's PSNR and
    makes good most of what it lacked at first."""
    frames = toy_corpus(tmp_path / "corpus", 1)
    train(
        toy_config(f"search.enabled={search}", "budget.episodes=640"),
        tmp_path / "corpus",
        tmp_path / "run",
        engine=fake_engine(),
        cache=tmp_path / "cache",
    )
    greedy = [e for e in played(tmp_path) if e.greedy]
    (first, _), (last, share) = (shortfall_db(frames, part) for part in (greedy[:20], greedy[-20:]))
    assert share >= 0.98 and last < 0.5 * first


def test_the_toy_is_learned_a_little(tmp_path):
    """The same, shorter: enough to see that learning goes the right way."""
    frames = toy_corpus(tmp_path / "corpus", 1)
    train(
        toy_config("search.enabled=false", "budget.episodes=200"),
        tmp_path / "corpus",
        tmp_path / "run",
        engine=fake_engine(),
        cache=tmp_path / "cache",
    )
    greedy = [e for e in played(tmp_path) if e.greedy]
    (first, _), (last, _) = (shortfall_db(frames, part) for part in (greedy[:12], greedy[-12:]))
    assert last < 0.9 * first
