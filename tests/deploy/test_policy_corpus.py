"""The learner's network in JAX and the policy file's in C say the same of encodes of real clips."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.policy_samples import (
    c_logits,
    check_same,
    feature_version,
    jax_logits,
    network,
    states_of,
    widths,
)

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.media.decode import read_frames
from encoder_bridge.media.probe import probe
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.config.toml_io import load_config
from muzero_rc.corpus.ladder import read_ladder
from muzero_rc.deploy.policy_export import export_policy, warm_start
from muzero_rc.deploy.policy_file import read_metadata
from muzero_rc.deploy.policy_names import CONTROLLER, shipped

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("MUZERO_RC_CORPUS", ROOT.parent / "shared" / "corpus"))
CONFIGS = {path.stem: path for path in sorted((ROOT / "configs").glob("*.toml"))}
STATES = 10_000
EVERY = 3  # of the corpus's clips, one is used

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CORPUS / "train").is_dir(), reason=f"no corpus in {CORPUS}: set MUZERO_RC_CORPUS to its folder"
    ),
]


def states_of_clip(path, auto_alt_ref):
    """The states of five encodes, at the ladder's targets, by the controller and what ships in turn."""
    clip = probe(path)
    frames = read_frames(clip)
    targets = read_ladder(path.parent / "ladder-pyramid.csv")[path.stem].targets_kbps
    policies = [CONTROLLER, *map(str, shipped().values())]
    base = EncoderConfig(cpu_used=5, auto_alt_ref=auto_alt_ref).for_video(clip.width, clip.height, clip.fps)
    first = first_pass(frames, base)
    for i, target in enumerate(targets):
        config = base.replace(target_kbps=target)
        done = encode(frames, first, config, policy=policies[i % len(policies)])
        yield states_of(config, first, done.records, target)[0]


@pytest.fixture(scope="module")
def corpus_states():
    """At least STATES of them, each of a frame that libvpx really coded at that target."""
    clips = [path for split in ("train", "validation") for path in sorted((CORPUS / split).glob("*.mkv"))]
    chosen = clips[::EVERY]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        found = workers.map(lambda one: list(states_of_clip(one[1], (6, 1)[one[0] % 2])), enumerate(chosen))
        states = [one for of_clip in found for one in of_clip]
    assert sum(len(one.steps) for one in states) >= STATES
    return states


def check_everywhere(path, config, params, states):
    policy = _native.Policy(str(path))
    networks = network(config)[0]
    compared, differ, furthest, likeliest = 0, 0, 0.0, set()
    for one, by_jax in zip(states, jax_logits(networks, params, states), strict=True):
        by_c = c_logits(policy, len(config.actions), one)
        apart, differing = check_same(by_c, by_jax)
        compared, differ, furthest = compared + len(by_c), differ + differing, max(furthest, apart)
        likeliest.update(by_c.argmax(axis=-1).tolist())
    print(f"{compared} states: logits {furthest:.1e} apart at most, {differ} other choices")
    assert compared >= STATES
    assert len(likeliest) > 1


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_configs(name, corpus_states, tmp_path):
    config = load_config(CONFIGS[name]).network
    params = network(config)[1]
    path = tmp_path / "policy.safetensors"
    export_policy(path, params, config, widths(), feature_version(), {})
    check_everywhere(path, config, params, corpus_states)


def config_of(path):
    """What a policy file's network was made with, as far as it says."""
    metadata = read_metadata(path)
    sizes = {name: size for name, size in metadata["network"].items() if not name.endswith("_features")}
    given = {**sizes, "windows": tuple(sizes["windows"]), "decision": metadata["decision"]}
    if metadata["action_mode"] == "relative":
        given["offsets"] = tuple(metadata["actions"])
    return NetworkConfig(**given, action_mode=metadata["action_mode"])


@pytest.mark.parametrize(
    "name", [name for name, path in shipped().items() if "network" in read_metadata(path)]
)
def test_shipped_policies(name, corpus_states):
    path = shipped()[name]
    config = config_of(path)
    params = warm_start(network(config)[1], path, config, widths(), feature_version())
    assert np.any(params["policy_logits"]["w"])
    check_everywhere(path, config, params, corpus_states)
