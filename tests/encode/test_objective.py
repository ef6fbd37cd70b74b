"""Objectives: what settings mean, and what is measured of an encode."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.farm_samples import moving_clip, policy_jobs, settings_of

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.objective import METRICS, Objective, is_objective
from encoder_bridge.encode.objective_quality import check_measurable, measured_quality
from encoder_bridge.errors import BadInput, ToolMissing
from encoder_bridge.media import quality_filters
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.farm import LocalFarm

NEEDS_NEG = pytest.mark.skipif(
    "vmaf-neg" not in quality_filters.filter_ffmpeg()[1], reason="no ffmpeg here has libvmaf with models"
)
NEEDS_VMAF = pytest.mark.skipif(
    "vmaf" not in quality_filters.filter_ffmpeg()[1], reason="no ffmpeg here has libvmaf"
)


@pytest.mark.parametrize(
    ("text", "weights", "decodes"),
    [
        ("psnr", {"psnr": 1.0}, False),
        ("vmaf", {"vmaf": 1.0}, True),
        ("psnr:1, vmaf:3", {"psnr": 0.25, "vmaf": 0.75}, True),
        ("vmaf:1,vmaf-neg:1", {"vmaf": 0.5, "vmaf-neg": 0.5}, True),
        ("ssim:5", {"ssim": 1.0}, True),
    ],
)
def test_settings(text, weights, decodes):
    objective = Objective.parse(text)
    assert dict(objective.weights) == pytest.approx(weights)
    assert objective.decodes is decodes


REFUSED = ("", "mse", "psnr,psnr", "psnr:0", "psnr:-1", "vmaf:nan", "ssim:x", "psnr:1,")


@pytest.mark.parametrize("text", REFUSED)
def test_other_settings_are_refused(text):
    assert not is_objective(text)
    with pytest.raises(BadInput, match="use psnr, ssim, vmaf or vmaf-neg"):
        Objective.parse(text)


@given(st.dictionaries(st.sampled_from(METRICS), st.floats(0.01, 100), min_size=1))
def test_a_mix_lies_between_its_parts(weights):
    values = {"psnr": 35.0, "ssim": 0.97, "vmaf": 88.0, "vmaf-neg": 84.0}
    text = ",".join(f"{name}:{weight!r}" for name, weight in weights.items())
    parts = [Objective.parse(name).of(values) for name in weights]
    assert min(parts) - 1e-9 <= Objective.parse(text).of(values) <= max(parts) + 1e-9


def test_values_in_db():
    assert Objective.parse("psnr").of({"psnr": 40.0}) == 40.0
    assert Objective.parse("ssim").of({"ssim": 0.99}) == pytest.approx(20.0)
    assert Objective.parse("ssim").of({"ssim": 1.0}) == 60.0
    assert Objective.parse("vmaf").of({"vmaf": 80.0}) == 20.0


def test_a_machine_without_vmaf_says_so(monkeypatch):
    monkeypatch.setattr(
        "encoder_bridge.encode.objective_quality.filter_ffmpeg", lambda: ("ffmpeg", frozenset())
    )
    check_measurable(Objective.parse("psnr:1,ssim:1"))
    with pytest.raises(ToolMissing, match="no ffmpeg here measures vmaf"):
        check_measurable(Objective.parse("psnr:1,vmaf:1"))


@pytest.fixture(scope="module")
def encodes():
    """A clip and the controller's encodes of it at two targets, with packets."""
    engine, clip, farm = libvpx_engine(), moving_clip(10, 96, 80), LocalFarm(1)
    (first,) = farm.play(engine, [Job("first", clip, settings_of(clip), None)])
    jobs = policy_jobs(clip, first.stats, engine.policy("controller"), 4)[::3]
    found = [done.result for done in farm.play(engine, jobs)]
    farm.close()
    return clip, found


@pytest.mark.parametrize(
    "metric",
    [
        "ssim",
        pytest.param("vmaf", marks=NEEDS_VMAF),
        pytest.param("vmaf:1,vmaf-neg:1", marks=NEEDS_NEG),
        "psnr:1,ssim:1",
    ],
)
def test_what_is_measured_is_what_was_coded(encodes, metric):
    clip, (low, high) = encodes
    objective = Objective.parse(metric)
    assert low.kbps < high.kbps
    qualities = [measured_quality(objective, clip, one.psnr_y_db, one.packets) for one in (low, high)]
    assert qualities[0] < qualities[1] and all(math.isfinite(one) for one in qualities)


def test_without_its_packets_nothing_is_measured(encodes):
    clip, (low, _) = encodes
    assert measured_quality(Objective.parse("psnr"), clip, low.psnr_y_db, ()) == low.psnr_y_db
    with pytest.raises(BadInput, match="9 packets for 10 frames"):
        measured_quality(Objective.parse("ssim"), clip, low.psnr_y_db, low.packets[:9])
    small = moving_clip(2, 16, 16)
    with pytest.raises(BadInput, match="16x16 is too small for VMAF"):
        measured_quality(Objective.parse("vmaf"), small, 30.0, low.packets[:2])
