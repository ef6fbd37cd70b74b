"""Replays: what an encode's plan is when it is played again."""

from typing import Any

import numpy as np
import pytest

from encoder_bridge._native import quantizer_steps
from encoder_bridge.encode.layouts import RECORD
from muzero_rc.encoding.replays import Candidate, Replays


def coded_frames(count: int = 40) -> Any:
    """Records of an encode at qindex 120 throughout."""
    records = np.zeros(count, RECORD)
    records["show_index"] = np.arange(count)
    records["layer"] = np.where(np.arange(count) % 8 == 0, 1, 5)
    records["qindex"], records["bits"] = 120, 4000
    return records


def first(kbps: float) -> Candidate:
    """An encode at a target of 100 kbps."""
    return Candidate(1, 100, kbps, 40.0)


def searching(kbps: float) -> Replays:
    """Knows that encode."""
    replays = Replays()
    replays.tell(first(kbps), coded_frames())
    return replays


def test_bits_that_are_left_are_spent_without_noise() -> None:
    plan = searching(90.0).plan(2).qindex
    assert max(plan) - min(plan) <= 1
    assert 110 < np.mean(plan) < 120


def test_the_rate_is_kept_whatever_the_noise() -> None:
    replays = searching(99.5)
    plans = [np.array(replays.plan(number).qindex) for number in range(2, 22)]
    assert all(np.ptp(plan) > 1 for plan in plans)
    steps = np.array(quantizer_steps())  # a frame has half the bits at twice the step
    assert all(np.exp2(steps[120] - steps[plan]).mean() == pytest.approx(1, abs=0.015) for plan in plans)


def test_noise_that_was_no_good_is_turned_round() -> None:
    replays = searching(99.5)
    there = np.array(replays.plan(2).qindex) - 120
    worse = Candidate(2, 100, 99.0, 39.0)
    assert not worse.beats(first(99.5))
    replays.tell(worse, coded_frames())
    back = np.array(replays.plan(3).qindex) - 120
    assert np.corrcoef(there, back)[0, 1] < -0.9


@pytest.mark.parametrize(
    ("kbps", "psnr_y_db", "wins"),
    [(99.0, 40.1, True), (99.0, 39.9, False), (100.0, 40.1, True), (100.01, 45.0, False)],
)
def test_who_beats_an_encode_that_fits(kbps: float, psnr_y_db: float, wins: bool) -> None:
    assert Candidate(2, 100, kbps, psnr_y_db).beats(first(98.0)) == wins


@pytest.mark.parametrize(("kbps", "wins"), [(100.0, True), (103.0, True), (106.0, False)])
def test_who_beats_an_encode_that_does_not_fit(kbps: float, wins: bool) -> None:
    assert Candidate(2, 100, kbps, 30.0).beats(first(105.0)) == wins
