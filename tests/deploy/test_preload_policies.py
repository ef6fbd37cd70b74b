"""Policy files under rc-plugin: what it tells of them, and those that cannot decide."""

import hashlib
import json
import subprocess

import numpy as np
import pytest
from support.plugin_samples import RC_PLUGIN, ffmpeg_pass, make_y4m, packets, run, with_policy
from support.policy_samples import feature_version, network, widths

from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_export import export_policy

TINY = NetworkConfig(width=8, latents=2, attention_heads=2, encoder_layers=1, step_blocks=1)
PROVENANCE = {"step": 1200, "corpus_hash": "aaa7985b"}


def write(path, *, params=None, version=None):
    given = (params or network(TINY)[1], TINY, widths(), version or feature_version(), PROVENANCE)
    export_policy(path, *given)
    return path


def told(*words):
    done = subprocess.run([*RC_PLUGIN, "info", *words], check=True, capture_output=True, text=True)
    return done.stdout


def test_info_tells_sizes_provenance_version_hash_and_speed(tmp_path):
    path = write(tmp_path / "tiny.safetensors")
    facts = json.loads(told(str(path), "--json"))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts["sha256"], facts["bytes"]) == (sha256, path.stat().st_size)
    assert facts["network"]["width"] == TINY.width
    assert facts["provenance"] == PROVENANCE
    assert facts["feature_version"] == feature_version()
    assert 0 < facts["decision_median_us"] <= facts["decision_p99_us"]
    sheet = told(str(path))
    for part in (
        f"{facts['parameters']} parameters, {facts['bytes']} bytes",
        f"feature table   {feature_version()}\n",
        f"sha256          {sha256}\n",
        f"width {TINY.width},",
        "provenance: step 1200",
        "us median",
    ):
        assert part in sheet


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A short y4m beside its first pass."""
    path = make_y4m(tmp_path_factory.mktemp("policies") / "clip.y4m", "64x48", 12)
    assert run(*ffmpeg_pass(path, 1, "-")).status == 0
    return path


def test_another_feature_table_is_refused_with_both_numbers(clip, tmp_path):
    old = write(tmp_path / "old.safetensors", version=4711)
    both = f"trained with feature table 4711, this build has {feature_version()} and serves those from 3 on:"
    done = run(*RC_PLUGIN, "info", old)
    assert (done.status, len(done.lines)) == (2, 1)
    assert both in done.err
    done = run(*with_policy(old), *ffmpeg_pass(clip, 2, tmp_path / "a.ivf"))
    assert done.status == 0
    assert [both in line and "own rate control runs" in line for line in done.lines] == [True]
    done = run(*with_policy(old)[:-1], "--strict", "--", *ffmpeg_pass(clip, 2, tmp_path / "b.ivf"))
    assert done.status != 0
    assert [both in line and "encode refused" in line for line in done.lines] == [True]


def test_a_network_that_answers_no_numbers_leaves_it_to_the_controller_and_that_is_said(clip, tmp_path):
    params = network(TINY)[1]
    head = {name: np.full_like(values, 3e38) for name, values in params["policy_logits"].items()}
    broken = write(tmp_path / "broken.safetensors", params={**params, "policy_logits": head})
    done = run(*with_policy(broken), *ffmpeg_pass(clip, 2, tmp_path / "broken.ivf"))
    assert done.status == 0
    decided, _, fallbacks = (int(part.split()[0]) for part in done.lines[-1].partition(": ")[2].split(", "))
    assert decided == fallbacks >= 12
    run(*with_policy("controller"), *ffmpeg_pass(clip, 2, tmp_path / "controller.ivf"))
    assert packets(tmp_path / "broken.ivf") == packets(tmp_path / "controller.ivf")
