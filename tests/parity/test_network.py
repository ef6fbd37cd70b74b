"""The learner's network in JAX and the policy file's in C say the same."""

from pathlib import Path

import numpy as np
import pytest
from support.policy_samples import (
    c_logits,
    check_same,
    feature_version,
    jax_logits,
    network,
    random_states,
    states_of,
    widths,
)

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.run import encode
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.config.toml_io import load_config
from muzero_rc.deploy.policy_export import export_policy

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = sorted(path.stem for path in CONFIGS.glob("*.toml"))
REAL_STATES = 10_000


def moving_picture(width, height, frames):
    """A texture that pans faster and faster, with a cut in the middle. [T, bytes] u1."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (2, height + 8 * frames, width)).astype(np.float32)
    texture = (texture + np.roll(texture, 1, 1) + np.roll(texture, 1, 2)) / 3
    chroma = 2 * ((width + 1) // 2) * ((height + 1) // 2)
    clip = np.full((frames, width * height + chroma), 128, np.uint8)
    for t in range(frames):
        shift = t * t // 40
        clip[t, :-chroma] = texture[int(2 * t >= frames), shift : shift + height].astype(np.uint8).ravel()
    return clip


@pytest.fixture(scope="module")
def footage():
    """Frames, their first pass and the settings."""
    config = EncoderConfig(width=64, height=48, target_kbps=150, cpu_used=5)
    frames = moving_picture(64, 48, 60)
    return frames, first_pass(frames, config), config


@pytest.fixture(scope="module")
def real_states(footage):
    """At least REAL_STATES states of encodes by the controller, each seen under many targets."""
    frames, first, config = footage
    records = encode(frames, first, config).records
    count = int((records["frame_type"] >= 0).sum())
    targets = np.geomspace(15, 1500, -(-REAL_STATES // count))
    return [states_of(config, first, records, round(target))[0] for target in targets]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configs_on_real_states(name, real_states, tmp_path):
    config = load_config(CONFIGS / f"{name}.toml").network
    networks, params = network(config)
    path = tmp_path / "policy.safetensors"
    export_policy(path, params, config, widths(), feature_version(), {})
    policy = _native.Policy(str(path))
    assert sum(len(states.steps) for states in real_states) >= REAL_STATES
    varied = set()
    for states, logits in zip(real_states, jax_logits(networks, params, real_states), strict=True):
        c = c_logits(policy, len(config.actions), states)
        check_same(c, logits)
        varied.update(c.argmax(axis=-1).tolist())
    assert len(varied) > 1


@pytest.mark.parametrize(
    ("changes", "frames"),
    [
        ({}, 1),
        ({"encoder_layers": 1}, 5),
        ({"look_ahead": False, "step_blocks": 0}, 20),
        ({"kernel": 1, "latents": 1, "attention_heads": 1, "windows": ()}, 9),
        ({"action_mode": "absolute", "kernel": 33, "windows": (1, 256)}, 40),
        ({"width": 20, "attention_heads": 5, "offsets": (-3, 0, 1)}, 300),
    ],
)
def test_other_sizes_on_random_states(changes, frames, tmp_path):
    config = NetworkConfig(**{"width": 16, "latents": 3, "encoder_layers": 2, **changes})
    networks, params = network(config, seed=frames)
    path = tmp_path / "policy.safetensors"
    export_policy(path, params, config, widths(), feature_version(), {})
    states = random_states(frames, 50, seed=frames)
    c = c_logits(_native.Policy(str(path)), len(config.actions), states)
    check_same(c, *jax_logits(networks, params, [states]))


@pytest.mark.parametrize("decision", ["argmax", "mean"])
@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_an_encode_asks_for_what_the_logits_say(decision, mode, footage, tmp_path):
    frames, first, config = footage
    sizes = NetworkConfig(width=16, latents=2, encoder_layers=1, decision=decision, action_mode=mode)
    networks, params = network(sizes, seed=3)
    path = tmp_path / "policy.safetensors"
    export_policy(path, params, sizes, widths(), feature_version(), {})
    result = encode(frames, first, config, policy=str(path), guard=False)
    records = result.records[result.records["frame_type"] >= 0]
    states, q_ref = states_of(config, first, result.records, config.target_kbps)
    assert np.array_equal(q_ref, records["q_ref"])
    logits = c_logits(_native.Policy(str(path)), len(sizes.actions), states).astype(np.float64)
    check_same(logits, *jax_logits(networks, params, [states]))
    actions = np.asarray(sizes.actions)
    if decision == "argmax":
        chosen, sure = actions[logits.argmax(axis=-1)], np.ones(len(logits), bool)
    else:
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        mean = weights @ actions / weights.sum(axis=-1)
        chosen = np.sign(mean) * np.floor(np.abs(mean) + 0.5)
        sure = np.abs(np.abs(mean) % 1 - 0.5) > 1e-3  # else floats may round the other way
        assert sure.mean() > 0.9
    asked = np.clip(chosen + (q_ref if mode == "relative" else 0), 1, 255)
    assert np.array_equal(records["asked"][sure], asked[sure])
    assert np.array_equal(records["qindex"], records["asked"])
    assert not records["fallback"].any()
