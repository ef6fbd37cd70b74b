"""How a fit is judged: what is foreseen comes from other originals, and figures mean what they say."""

from dataclasses import replace

import numpy as np
import pytest
from support.shape_samples import made_sequences

from muzero_rc.shapes.credits import Sequences
from muzero_rc.shapes.fit import FitSettings, fit_all, gains_said
from muzero_rc.shapes.left_out import (
    correlations,
    drawn,
    folds_of,
    judged,
    left_out,
    original_of,
    said_by_folds,
)

FOLDS = 3


@pytest.fixture
def data():
    return made_sequences(Sequences, clips=6)


def test_nothing_is_learned_from_the_original_that_is_foreseen(data):
    data.clip[data.clip == "made1-01"] = "made0-02"
    met = []

    def learn(seen):
        def foresee(test):
            met.append(({original_of(c) for c in seen.clip}, {original_of(c) for c in test.clip}))
            return np.full(len(test.gain), len(met), float)

        return foresee

    said = said_by_folds(data, FOLDS, learn)
    assert all(not seen & test for seen, test in met)
    np.testing.assert_array_equal(said, folds_of(data, FOLDS) + 1)
    of_one = np.char.startswith(data.clip.astype(str), "made0-")
    assert len(set(folds_of(data, FOLDS)[of_one])) == 1


def test_lessons_may_be_others_than_what_is_foreseen(data):
    few = drawn(data, 4)
    seen = []
    said_by_folds(data, 2, lambda some: seen.append(len(some.gain)) or (lambda test: test.gain), few)
    assert sum(seen) == len(few.gain)
    assert len(set(few.clip)) == 4
    assert set(drawn(data, 4, draw=1).clip) != set(few.clip)


def test_perfect_and_empty_foresight(data):
    """What encodes of a clip share does not count."""
    perfect = judged(data.gain + 7.0 * data.group, data)
    assert (perfect.correlation, perfect.r2) == (pytest.approx(1.0), pytest.approx(1.0))
    nothing = np.zeros(len(data.gain))
    assert np.isnan(correlations(nothing, data)).all()
    backwards = judged(-data.gain, data)
    assert (backwards.correlation, backwards.r2) == (pytest.approx(-1.0), pytest.approx(-3.0))


def test_a_fit_foresees_made_up_clips():
    data = made_sequences(Sequences, clips=12, encodes=12)
    found = left_out(data, 2, settings=FitSettings(networks=1, steps=100))
    assert found.correlation > 0.5
    assert found.r2 > 0.2


def test_settings_reach_the_fit(data):
    joined, mean, _ = fit_all(data, FitSettings(networks=2, width=5, steps=2))
    assert joined["in.w"].shape == (len(mean), 10)
    few = FitSettings(networks=1, steps=5)
    whole, no_credits, no_sequences = (
        gains_said(*fit_all(data, settings), data)
        for settings in (few, replace(few, credit_loss=0.0), replace(few, sequence_loss=0.0))
    )
    assert not np.allclose(whole, no_credits)
    assert not np.allclose(whole, no_sequences)
