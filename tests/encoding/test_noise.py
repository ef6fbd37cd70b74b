"""Structured noise: what is shared by which frames."""

from itertools import pairwise

import pytest

from muzero_rc.encoding.noise import NoiseConfig, StructuredNoise

# Two GOPs of three layers each, 12 shown frames.
EVENTS = [{"gop_index": i % 6, "layer": i % 3, "show_index": i} for i in range(12)]
LOUD = 50.0  # so that draws that are not shared differ after rounding


def drawn(**deviations):
    noise = StructuredNoise("seed", NoiseConfig(**deviations), 12)
    return [noise.of(event) for event in EVENTS]


def shared_by(offsets, key):
    """Whether frames have the same offset exactly where `key` is the same."""
    by_key = {}
    for event, offset in zip(EVENTS, offsets, strict=True):
        by_key.setdefault(key(event), set()).add(offset)
    return all(len(values) == 1 for values in by_key.values()) and len(set.union(*by_key.values())) == len(
        by_key
    )


def test_a_layers_frames_share_the_clips_offset():
    assert shared_by(drawn(layer=LOUD), lambda event: event["layer"])


def test_a_layers_frames_share_the_gops_offset():
    assert shared_by(drawn(gop=LOUD), lambda event: (event["show_index"] // 6, event["layer"]))


def test_frames_noise_is_each_ones_own():
    assert len(set(drawn(frame=1000.0))) == 12


def test_a_drift_turns_into_its_opposite():
    drift = drawn(drift=LOUD)
    assert drift[0] == -drift[-1] != 0
    steps = [b - a for a, b in pairwise(drift)]
    assert max(steps) - min(steps) <= 1  # linear, but for rounding


@pytest.mark.parametrize("silent", [True, False])
def test_no_deviation_or_silence_is_no_noise(silent):
    noise = StructuredNoise("seed", NoiseConfig(layer=LOUD if silent else 0.0), 12, silent=silent)
    assert {noise.of(event) for event in EVENTS} == {0}


def test_the_seed_and_nothing_else_draws():
    assert drawn(layer=LOUD, gop=3.0, scale_range=2.0) == drawn(layer=LOUD, gop=3.0, scale_range=2.0)
