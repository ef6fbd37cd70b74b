"""Credits of GOPs: what made-up encodes were worth, frame by frame."""

import numpy as np
import pytest
from support.shape_samples import FEATURES, FRAMES, made_row, made_sequences

from muzero_rc.shapes.credits import Sequences, credit_correlation, one_group

ROWS = {
    "own": made_row((12, 16), 90, 9000, 38.0),
    "length-8": made_row((8, 8, 8), 95, 8800, 37.9),
    "random-0": made_row((6, 20), 88, 9300, 38.2),
}


def table(step):
    """Features of every GOP that might be: the step, plus how far its length is from the shortest."""
    return np.full((FRAMES, 20, FEATURES), step) + np.arange(20)[None, :, None]


def test_credits_of_made_up_encodes():
    own, short, mixed = one_group(ROWS, table)
    step = 4.599912643432617  # log2, of qindex 90
    assert [x[0] - step for x in own[0]] == [8, 12, 0]  # lengths 12, 16 and 4, the end of the clip
    assert own[1] == pytest.approx([4.630149573919823, 8.742382031313447, -1.2509887322557347])
    assert own[2] == pytest.approx([12 / 33, 16 / 33, 4 / 33])
    assert own[3:] == pytest.approx((0.0, 4 / 33))  # no alt-ref ends it
    assert short[1] == pytest.approx(
        [-1.3310055696293546, -7.786511898986021, -10.971871390336219, -14.734090711510078]
    )
    assert short[3:] == pytest.approx((-13.30305760790003, 8 / 33))
    assert mixed[1] == pytest.approx([-5.884153883622655, 8.678153108234165, -8.35104245971388])
    assert mixed[3:] == pytest.approx((-3.174889085681624, 6 / 33))


def test_credits_add_up_to_gains():
    assert credit_correlation(made_sequences(Sequences)) > 0.9
