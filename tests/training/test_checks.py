"""Figures of the critic: correlations within an instance, coverage."""

import numpy as np
import pytest
from support.learn_samples import toy_config

from muzero_rc.training.checks import PARTS, Asked, critic_figures, within
from muzero_rc.training.figures import progress


def asked(group, running, said, worth, half=1.0):
    running, said = np.full(len(PARTS), running), np.full(len(PARTS), said)
    return Asked((group, 100), running, said, said - half, said + half, worth)


def test_what_differs_between_clips_does_not_count():
    """Each clip's mean is known exactly, the episodes of a clip are told apart by nothing."""
    between = [
        asked(name, 0.0, level, level + x) for name, level in (("a", 0.0), ("b", 50.0)) for x in (-1, 0, 1)
    ]
    assert critic_figures(between)["critic_within"] == 0.0


def test_figures_by_hand():
    right = [asked("a", -x, x, x) for x in (-1.0, 0.0, 1.0)]
    lonely = [asked("b", 0.0, 9.0, -9.0)]
    found = critic_figures(right + lonely)
    assert found["critic_20"] == pytest.approx(1.0) and found["running_20"] == pytest.approx(-1.0)
    assert found["critic_coverage"] == pytest.approx(0.75)
    assert critic_figures(lonely) == {}


def test_a_correlation_within_groups_by_hand():
    assert within([[(0.0, 5.0), (1.0, 6.0)], [(7.0, 0.0), (8.0, -1.0)]]) == 0.0
    assert within([[(1.0, 1.0), (1.0, 2.0)]]) == 0.0


def test_the_progress_line_says_what_a_researcher_looks_for():
    figures = {"loss": 1.0, "loss_policy": 0.5, "episodes": 90.0, "episodes_per_hour": 400.0}
    figures |= {"encoder_share": 0.85, "greedy": 12.0, "win_rate": 0.6, "gain": 0.3, "gain_low": -0.1}
    figures |= {"gain_high": 0.7, "over": 0.0, "fill": 0.98, "critic_within": 0.4, "critic_coverage": 0.8}
    figures |= {"search_kl": 0.2, "search_q_spread": 0.1, "sample_age": 55.0}
    line = progress(toy_config(), 7, figures, 60.0)
    words = ("400/h", "encoders 85 %", "win – of 12", "gain +0.30 % (-0.10 … +0.70)", "critic 0.40")
    assert all(word in line for word in (*words, "covers 0.80", "KL 0.20", "Q spread 0.10", "age 55"))
    assert "win 0.60 of 32" in progress(toy_config(), 7, {**figures, "greedy": 32.0}, 60.0)
