"""The same decisions everywhere: four programs, one clip, one policy, the same packets."""

import shutil

import pytest
from support.plugin_samples import (
    EXAMPLE,
    by_example,
    by_ffmpeg,
    by_rc_encode,
    by_vpxenc,
    compile_example,
    make_y4m,
    packets,
)
from support.policy_samples import feature_version, network, widths

from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_export import export_policy
from muzero_rc.deploy.policy_names import shipped

TINY = NetworkConfig(width=8, latents=2, attention_heads=2, encoder_layers=1, step_blocks=1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_y4m(tmp_path_factory.mktemp("plugin") / "clip.y4m")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    example = compile_example(tmp_path_factory.mktemp("example") / "encode_y4m")
    return {
        "ffmpeg": by_ffmpeg,
        "the example": by_example(example),
        **({"vpxenc": by_vpxenc} if shutil.which("vpxenc") else {}),
    }


@pytest.fixture(scope="module", params=["controller", "network", "shapes"])
def policy(request, tmp_path_factory):
    if request.param == "controller":
        return "controller"
    if request.param == "shapes":
        return str(shipped()["shapes"])
    path = tmp_path_factory.mktemp("policy") / "random.safetensors"
    export_policy(path, network(TINY)[1], TINY, widths(), feature_version(), {"made by": "a test"})
    return str(path)


@pytest.mark.parametrize("auto_alt_ref", [1, 6])
def test_every_program_makes_the_same_packets(clip, programs, policy, auto_alt_ref, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ours = tmp_path / "ours.webm"
    done = by_rc_encode(clip, ours, policy, auto_alt_ref)
    assert done.status == 0, done.err
    expected = packets(ours)
    assert len(expected) == 36
    for name, encode in programs.items():
        theirs = tmp_path / f"{name.replace(' ', '')}.ivf"
        done = encode(clip, theirs, policy, auto_alt_ref)
        assert done.status == 0, (name, done.err)
        assert packets(theirs) == expected, (name, done.err)
        assert not done.lines or "frames decided" in done.lines[-1], (name, done.err)


def test_the_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) < 80
