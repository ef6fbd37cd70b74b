"""Hindsight: targets that an episode is learned under, and how much it is followed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learn_samples import episode

from muzero_rc.catalogue import anchor_of
from muzero_rc.config import ImitationConfig
from muzero_rc.relabel import draw_target, imitation_weight, own_target, relabelled
from muzero_rc.reward import Outcome

ANCHOR = anchor_of([(50.0, 34.0), (100.0, 38.0), (200.0, 42.0)])
CONFIG = ImitationConfig()


def test_a_new_target_by_hand():
    made = relabelled(episode(rate_kbps=110.0, psnr_y_db=39.0, target_kbps=90), 100, ANCHOR)
    assert made.target_kbps == 100
    assert made.outcome.overshoot == pytest.approx(0.1) and made.outcome.gain_db == pytest.approx(1.0)


@given(st.floats(1.0, 5000.0))
def test_an_episode_keeps_its_own_target_and_fills_it(rate):
    one = episode(rate_kbps=rate)
    made = relabelled(one, own_target(one), ANCHOR)
    assert made.outcome.overshoot == 0.0 and rate > made.target_kbps - 1


@given(st.floats(20.0, 5000.0), st.integers(0, 10**6))
def test_drawn_targets_are_near_the_rate_or_as_played(rate, seed):
    one = episode(rate_kbps=rate, target_kbps=77, policies=[[1.0]])
    target = draw_target(one, CONFIG, random.Random(seed))
    assert target == 77 or 0.85 * rate < target < 1.15 * rate + 1


@pytest.mark.parametrize(
    ("rate", "gain_db", "followed"),
    [
        (100.0, 0.0, True),
        (100.0, 0.5, True),
        (100.1, 0.0, True),  # within the tolerance
        (100.3, 0.5, False),  # over the target
        (97.0, 0.5, False),  # left too much
        (100.0, -0.2, False),  # looks worse than the anchor
    ],
)
def test_what_is_followed(rate, gain_db, followed):
    one = episode(rate_kbps=rate, target_kbps=100, outcome=Outcome(gain_db, 0.0))
    assert (imitation_weight(one, CONFIG) > 0.0) == followed


def test_more_gain_is_followed_more_up_to_a_limit():
    weights = [
        imitation_weight(episode(rate_kbps=100.0, outcome=Outcome(gain, 0.0)), CONFIG)
        for gain in (-0.1, 0.0, 0.1, 0.3, 5.0)
    ]
    assert weights == sorted(weights) and weights[1] == 1.0 and weights[-1] == CONFIG.weight_limit
