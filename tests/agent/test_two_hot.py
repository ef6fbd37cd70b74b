"""Numbers to distributions and back."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.agent.two_hot import centres, mean, probability_above, two_hot

BINS, LIMIT = 41, 4.0
inside = st.floats(-LIMIT, LIMIT, width=32)


def logits_of(value):
    return jnp.log(two_hot(jnp.float32(value), BINS, LIMIT) + 1e-12)


def test_a_bin_is_hot_alone_and_halfway_two_are():
    np.testing.assert_allclose(
        two_hot(jnp.asarray([-1.0, 0.0, 0.25]), 5, 1.0),
        [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0.5, 0.5, 0]],
    )
    np.testing.assert_allclose(centres(5, 1.0), [-1, -0.5, 0, 0.5, 1])


@given(inside)
def test_mean_inverts_two_hot(value):
    assert float(mean(logits_of(value), LIMIT)) == pytest.approx(value, abs=1e-4)


@given(st.floats(width=32, allow_nan=False))
def test_every_number_becomes_a_distribution_of_two_neighbours(value):
    weights = np.asarray(two_hot(jnp.float32(value), BINS, LIMIT))
    hot = np.flatnonzero(weights)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert weights.min() >= 0
    assert len(hot) <= 2
    assert np.ptp(hot) <= 1


def test_probability_above_of_a_hand_made_distribution():
    logits = jnp.log(jnp.asarray([0.1, 0.2, 0.3, 0.4]))  # bins at -3, -1, 1, 3, each 2 wide
    thresholds = jnp.asarray([-9.0, -2.0, 0.0, 0.5, 1.0, 4.0])
    found = [float(probability_above(logits, 3.0, t)) for t in thresholds]
    np.testing.assert_allclose(found, [1.0, 0.9, 0.7, 0.625, 0.55, 0.0], atol=1e-6)


@given(inside, inside, inside)
def test_probability_above_falls_with_the_threshold(value, one, other):
    low, high = min(one, other), max(one, other)
    logits = logits_of(value)
    assert probability_above(logits, LIMIT, low) >= probability_above(logits, LIMIT, high) - 1e-6
