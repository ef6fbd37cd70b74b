"""Learner steps follow the episodes, however many come at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.learn_samples import toy_config

from muzero_rc.training.pace import Pace

CONFIG = toy_config("learner.batch_size=32", "replay.replay_ratio=8")  # half a batch are demonstrations


def test_a_crowd_of_actors_keeps_the_ratio():
    """54 episodes in one go used to be followed by as many steps as any round."""
    assert Pace(CONFIG).steps(54) == 54 * 8 // 16


@given(st.lists(st.integers(0, 100), max_size=30))
def test_every_episode_is_owed_its_steps(arrivals):
    pace = Pace(CONFIG)
    steps = sum(pace.steps(count) for count in arrivals)
    assert steps == pytest.approx(sum(arrivals) * 8 / 16, abs=1)


def test_what_is_less_than_a_step_is_not_lost():
    pace = Pace(CONFIG)
    assert [pace.steps(1) for _ in range(4)] == [0, 1, 0, 1]
