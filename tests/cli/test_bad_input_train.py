"""rc-train with bad input: one clear line, exit status 2, nothing damaged."""

import fcntl
import json
import socket
from collections import Counter

import pytest

from encoder_bridge import _native
from muzero_rc.cli.train import main
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import dump_config
from muzero_rc.experience.episode_log import read_log
from muzero_rc.training.run_dir import RUN_VERSION

FEATURE_VERSION = _native.versions()["feature_version"]
SMALL = (
    *("network.width=8", "network.encoder_layers=1", "network.latents=2", "network.attention_heads=2"),
    *("network.step_blocks=1", "encode.cpu_used=5", "data.max_frames=12", "search.simulations=2"),
    *("search.considered_actions=2", "actor.encoders=2", "actor.round_episodes=4", "replay.engine=memory"),
    *(
        "demonstrations.cq_levels=[]",
        "demonstrations.augmented_cq_levels=[]",
        "imitation.steps=0",
        "learner.batch_size=2",
    ),
    *("learner.windows=2", "learner.unroll_steps=1", "replay.replay_ratio=1", "budget.episodes=4"),
)
SETTINGS = [word for change in SMALL for word in ("--set", change)]


@pytest.fixture
def place(tmp_path, make_clip):
    """A folder with a config file, and a corpus of one clip."""
    (tmp_path / "small.toml").write_text("seed = 1\n")
    (tmp_path / "wrong.toml").write_text("[network]\nwidth = 'wide'\n")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "clip.mkv").write_bytes(make_clip().read_bytes())
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "clip.txt").write_text("a video, once")
    return tmp_path


def refused(ran):
    """The one line that a command said when it refused."""
    assert ran.status == 2 and ran.out == "", ran
    (line,) = ran.err.splitlines()
    assert line.startswith("rc-train")
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{}/none", "--config", "{}/small.toml"], "none: no such folder"),
        (["{}/empty", "--config", "{}/small.toml"], "empty: no videos in it (.avi, "),
        (["{}/texts", "--config", "{}/small.toml"], "texts: no videos in it (.avi, "),
        (["{}/corpus", "--config", "{}/none.toml"], "none.toml: no such file"),
        (["{}/corpus", "--config", "{}/wrong.toml"], "width = 'wide': must be a whole number"),
        (
            ["{}/corpus", "--config", "{}/small.toml", "--set", "network.widht=8"],
            "did you mean network.width?",
        ),
        (["{}/corpus", "--config", "{}/small.toml", "--set", "budget.hours=-1"], "must be positive"),
        (["{}/corpus", "--config", "{}/small.toml", "--init-from", "{}/none"], "none: no such file"),
    ],
)
def test_a_run_that_cannot_begin(place, invoke, words, said):
    line = refused(invoke(main, "run", *(w.format(place) for w in words), "--run-dir", place / "run"))
    assert said in line and not (place / "run").exists()


def test_actors_that_cannot_begin(place, invoke):
    corpus = place / "corpus"
    acting = ("actor", corpus, "--policy", "controller", "--folder", place / "acted")
    assert "--config" in refused(invoke(main, *acting))
    assert "not 'self'" in refused(invoke(main, *acting, "--name", "self"))
    assert "not allowed with" in refused(invoke(main, *acting, "--replay", "localhost:1"))
    assert "required" in refused(invoke(main, "actor", corpus, "--folder", place / "acted"))
    assert not (place / "acted").exists()


def test_a_learner_whose_port_is_taken(place, invoke):
    pytest.importorskip("reverb")
    corpus, config = place / "corpus", place / "small.toml"
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ("learner", corpus, "--config", config, "--run-dir", place / "run", "--port", port)
        assert f"port {port} cannot be used" in refused(invoke(main, *words))
    assert not (place / "run").exists()


def test_run_folders_that_cannot_be_used(place, invoke):
    run_dir = place / "run"
    words = ("run", place / "corpus", "--config", place / "small.toml", "--run-dir", run_dir)
    run_dir.mkdir()
    note, before = run_dir / "run.json", dump_config(Config())
    (run_dir / "config.toml").write_text(before)
    for text, said in (
        (json.dumps({"version": 99}), f"is of version 99, this program's is {RUN_VERSION}"),
        ('{"vers', "run.json cannot be read"),
    ):
        note.write_text(text)
        assert said in refused(invoke(main, *words, "--resume"))
        assert note.read_text() == text
    note.write_text(json.dumps({"version": RUN_VERSION, "feature_version": FEATURE_VERSION}))
    assert "add --resume" in refused(invoke(main, *words))
    assert "its network differs" in refused(invoke(main, *words, "--resume", "--set", "network.width=8"))
    with (run_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "in use by another process" in refused(invoke(main, *words, "--resume"))
    assert (run_dir / "config.toml").read_text() == before
    assert "has no policy yet" in refused(invoke(main, "export", run_dir, "-o", place / "x.safetensors"))
    assert "is no run folder" in refused(invoke(main, "export", place, "-o", place / "x.safetensors"))


def test_clips_of_mixed_sizes_and_one_that_is_none(place, invoke, make_clip):
    """A whole run on the real encoder, through the command; the clip that cannot be decoded is skipped."""
    (place / "corpus" / "larger.mkv").write_bytes(make_clip("80x64").read_bytes())
    (place / "corpus" / "broken.mkv").write_bytes(b"no video" * 99)
    words = ("run", place / "corpus", "--config", place / "small.toml", "--run-dir", place / "run", *SETTINGS)
    ran = invoke(main, *words, "--set", "data.augment=false")
    assert ran.status == 0, ran.err
    assert ran.out.strip() == str(place / "run" / "policies" / "latest.safetensors")
    assert "3 clips" in ran.err and "2 instances" in ran.err
    kinds = Counter(episode.parent for episode in read_log(place / "run" / "episodes"))
    assert sum(kinds.values()) - kinds["paired"] == 4 and kinds["paired"] >= 1
    ran = invoke(main, "export", place / "run", "-o", place / "x.safetensors")
    assert ran.status == 0 and (place / "x.safetensors").stat().st_size > 1000


def test_a_corpus_of_broken_clips_alone(place, invoke):
    (place / "corpus" / "clip.mkv").write_bytes(b"no video" * 99)
    words = ("run", place / "corpus", "--config", place / "small.toml", "--run-dir", place / "run", *SETTINGS)
    ran = invoke(main, *words)
    assert ran.status == 2 and "none of its 1 clips can be encoded" in ran.err.splitlines()[-1]
