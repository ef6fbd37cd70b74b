"""Designs: pairs that lie opposite each other, of every clip alike."""

import random
from collections import Counter

import pytest

from encoder_bridge import _native
from muzero_rc.offsets.designs import SPREAD, draw_designs

CLIPS = ["a", "b", "c"]


def test_every_constant_that_a_policy_may_move_is_moved():
    assert SPREAD.keys() == _native.offset_constants().keys()


def test_pairs_lie_opposite_each_other_around_the_middle():
    around = {"key": 0.5, "top": -0.25}
    designs = draw_designs(CLIPS, 12, random.Random(1), around)
    assert [one.number for one in designs] == list(range(12))
    for one, other in zip(designs[::2], designs[1::2], strict=True):
        assert (one.clip, one.place) == (other.clip, other.place)
        for name in SPREAD:
            middle = (one.moves[name] + other.moves[name]) / 2
            assert middle == pytest.approx(around.get(name, 0.0), abs=1e-4)
            assert one.moves[name] != other.moves[name]


def test_clips_are_drawn_alike_and_the_same_seed_draws_the_same():
    designs = draw_designs(CLIPS, 12, random.Random(1), {})
    assert Counter(one.clip for one in designs) == dict.fromkeys(CLIPS, 4)
    assert designs == draw_designs(CLIPS, 12, random.Random(1), {})
    assert designs != draw_designs(CLIPS, 12, random.Random(2), {})
    assert all(0.0 <= one.place <= 1.0 for one in designs)
