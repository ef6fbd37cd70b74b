"""Small made-up things that several tests need."""

from types import SimpleNamespace

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.layouts import EVENT, RECORD, SHOWN
from encoder_bridge.testing.fake_pool import FakePool
from encoder_bridge.testing.knapsack_optimum import TOY_CONFIG, toy_frames
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.demonstrations.registry import demonstrations
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.reward.outcome import Outcome

TINY = (
    "network.width=8",
    "search.simulations=2",
    "search.considered_actions=2",
    "actor.round_episodes=3",
    "actor.group=2",
    "learner.batch_size=2",
    "learner.windows=2",
    "learner.unroll_steps=1",
    "replay.replay_ratio=1",
)
"""The smallest run."""


def episode(uid="x", **changes):
    """An episode of three frames; `changes` replace fields."""
    plain = {
        "uid": uid,
        "kind": "agent",
        "parent": "self",
        "index": 0,
        "instance": "clip+mirror",
        "frames_key": "f4a3e5",
        "clip": "clip",
        "target_kbps": 100,
        "source": SELFPLAY,
        "greedy": True,
        "step": 7,
        "config_hash": "c0ffee",
        "encode_s": 0.5,
        "rate_kbps": 99.5,
        "psnr_y_db": 38.25,
        "outcome": Outcome(0.5, 0.0),
        "records": np.zeros(3, RECORD),
    }
    return Episode(**{**plain, **changes})


def fake_engine():
    """Encoders without libvpx."""
    native = SimpleNamespace(
        **{name: getattr(_native, name) for name in dir(_native) if not name.startswith("__")}
        | {"Pool": FakePool}
    )
    return Engine(native, EVENT, RECORD, SHOWN, has_quality=False)


def toy_corpus(folder, clips=2, scenes=(4, 4, 4)):
    """A folder of the toy's clips, as y4m files; returns the frames by clip name."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for seed in range(clips):
        frames = made[f"toy{seed}"] = toy_frames(seed, scenes)
        with (folder / f"toy{seed}.y4m").open("wb") as file:
            file.write(b"YUV4MPEG2 W%d H%d F25:1 C420jpeg\n" % (TOY_CONFIG.width, TOY_CONFIG.height))
            for frame in frames:
                file.write(b"FRAME\n" + frame.tobytes())
    return made


def toy_config(*changes):
    """A config small enough for tests; `changes` are `a.b=c` texts."""
    base = (
        "network.width=32",
        "network.encoder_layers=1",
        "network.latents=2",
        "network.attention_heads=2",
        "network.step_blocks=1",
        "network.windows=[4]",
        "encode.auto_alt_ref=0",
        "encode.lag_in_frames=0",
        "data.augment=false",
        "data.anchor_cq_levels=[50, 40, 30, 20]",
        "demonstrations.cq_levels=[]",
        "imitation.steps=0",
        "search.simulations=8",
        "search.considered_actions=8",
        "search.gumbel_scale=1.0",
        "actor.frame_noise_qindex=8",
        "imitation.temperature=0.5",
        "learner.average_decay=0.98",
        "actor.noise_qindex=2",
        "actor.layer_noise_qindex=2",
        "network.decision=mean",
        "actor.encoders=4",
        "actor.round_episodes=9",
        "replay.engine=memory",
        "replay.episodes=32",
        "replay.replay_ratio=32",
        "learner.batch_size=8",
        "learner.windows=8",
        "learner.unroll_steps=3",
        "learner.warmup_steps=5",
        "learner.selfplay_learning_rate=2e-3",
    )
    return override(Config(), (*base, *changes))


def played_demonstrations(tmp_path, *changes):
    """All demonstrations of a config, and how many second passes they took."""
    config = toy_config(*changes)
    with ClipStore(fake_engine(), config, tmp_path / "cache") as store:
        instances = store.prepared_corpus(find_clips(tmp_path / "corpus"))
        played, play = [], store.play
        store.play = lambda jobs, *rest, **more: play(
            (played.append(job) or job for job in jobs), *rest, **more
        )
        return list(demonstrations(store, instances, tmp_path / "demonstrations")), len(played)
