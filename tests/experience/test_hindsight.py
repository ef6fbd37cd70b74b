"""Hindsight: targets that an episode is learned under, and how much it is followed."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.learn_samples import episode

from muzero_rc.config.schema import ImitationConfig
from muzero_rc.corpus.anchor import anchor_of
from muzero_rc.experience.advantage import Advantages
from muzero_rc.experience.episode import DEMONSTRATION, SELFPLAY
from muzero_rc.experience.hindsight import (
    draw_target,
    imitation_weight,
    own_gain_db,
    own_target,
    relabelled,
    selfplay_weight,
)
from muzero_rc.reward.outcome import Outcome

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
def test_drawn_targets_are_near_the_rate_and_self_plays_as_played(rate, seed):
    one = episode(rate_kbps=rate, target_kbps=77, source=DEMONSTRATION)
    assert 0.85 * rate < draw_target(one, CONFIG, random.Random(seed)) < 1.15 * rate + 1
    assert draw_target(replace(one, source=SELFPLAY), CONFIG, random.Random(seed)) == 77


@given(st.floats(20.0, 5000.0), st.integers(0, 10**6))
def test_targets_as_asked_are_all_that_is_drawn_where_the_config_says_so(rate, seed):
    one = episode(rate_kbps=rate, target_kbps=77, source=DEMONSTRATION)
    assert draw_target(one, ImitationConfig(asked_target=True), random.Random(seed)) == 77


@pytest.mark.parametrize(
    ("rate", "followed"),
    [
        (100.0, True),
        (100.1, True),  # within the tolerance
        (100.3, False),  # over the target
        (97.0, False),  # left too much
    ],
)
def test_what_is_followed_kept_its_target_and_used_it(rate, followed):
    one = episode(rate_kbps=rate, target_kbps=100)
    assert (imitation_weight(one, CONFIG) > 0.0) == followed


def test_self_play_is_followed_by_how_much_it_won_and_not_if_it_lost():
    assert [selfplay_weight(score) for score in (-1.0, -0.1, 0.0, 0.5, 1.0)] == [0.0, 0.0, 0.0, 0.5, 1.0]


def test_what_was_gained_over_the_paired_encode_stays_with_another_target():
    one = episode(rate_kbps=110.0, outcome=Outcome(0.0, 0.1, gain=2.5, quality=3.0))
    made = relabelled(one, 120, ANCHOR).outcome
    assert (made.gain, made.quality, made.overshoot) == (2.5, 3.0, 0.0)


def test_against_peers_only_the_advantage_counts():
    one = episode(rate_kbps=100.0, target_kbps=100, outcome=Outcome(-9.0, 0.0))
    weights = [imitation_weight(one, CONFIG, advantage=x) for x in (-2.0, 0.0, 1.0, 99.0)]
    assert weights == sorted(weights) and weights[1] == 1.0 and weights[-1] == CONFIG.weight_limit
    assert imitation_weight(episode(rate_kbps=101.0, target_kbps=100), CONFIG, advantage=9.0) == 0.0


def test_advantages_by_hand():
    peers = Advantages(lambda one: own_gain_db(one, ANCHOR))
    group = [episode(str(i), rate_kbps=100.0 + i, psnr_y_db=38.0 + gain) for i, gain in enumerate((0, 2, 4))]
    far = episode("far", rate_kbps=200.0, psnr_y_db=30.0)
    other = episode("other", instance="else", rate_kbps=100.0, psnr_y_db=30.0)
    newer = episode("newer", step=99, rate_kbps=100.0, psnr_y_db=30.0)
    for one in (*group, far, other, newer):
        peers.add(one)
    gains = [own_gain_db(one, ANCHOR) for one in group]
    for one, gain in zip(group, gains, strict=True):
        assert peers.advantage(one) == pytest.approx((gain - np.mean(gains)) / np.std(gains))
    assert [peers.advantage(one) for one in (far, other, newer)] == [0.0, 0.0, 0.0]  # no peers


def test_a_spread_that_is_noise_counts_as_the_least_one():
    peers = Advantages(lambda one: own_gain_db(one, ANCHOR))
    group = [
        episode(str(i), rate_kbps=100.0, psnr_y_db=38.0 + gain) for i, gain in enumerate((0.0, 0.01, 0.02))
    ]
    for one in group:
        peers.add(one)
    assert peers.advantage(group[2]) == pytest.approx(0.01 / 0.02)


def test_alike_peers_have_no_advantage():
    peers = Advantages(lambda one: own_gain_db(one, ANCHOR))
    group = [episode(str(i), rate_kbps=100.0, psnr_y_db=38.0) for i in range(5)]
    for one in group:
        peers.add(one)
    assert all(peers.advantage(one) == 0.0 for one in group)
