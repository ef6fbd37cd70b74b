"""The fit: it finds the best moves of what is quadratic, and none where there is nothing but noise."""

import random

import numpy as np
import pytest

from muzero_rc.offsets.designs import SPREAD, draw_designs
from muzero_rc.offsets.fit import fit_moves

CLIPS = [f"clip{i}" for i in range(20)]


def encodes(count, best, noise, seed=1, around=None):
    """Rows of designs whose gain falls by 1 % a spread, squared, from the best moves on."""
    rng = random.Random(seed)
    effects = {clip: rng.gauss(0.0, 5.0) for clip in CLIPS}
    rows = []
    for one in draw_designs(CLIPS, count, rng, around or {}):
        off = [(one.moves[name] - best.get(name, one.moves[name])) / SPREAD[name] for name in SPREAD]
        gain = effects[one.clip] + 3.0 * one.place - sum(x * x for x in off) + rng.gauss(0.0, noise)
        rows.append({**vars(one), "round": seed, "gain": gain})
    return rows


def test_the_best_moves_are_found():
    best = {"key": 0.2, "gop_still": -0.3, "deeper": 0.0}
    fitted = fit_moves(encodes(600, best, noise=1.0))
    for name, move in best.items():
        assert fitted.moves[name] == pytest.approx(move, abs=0.35 * SPREAD[name])
    assert fitted.noise == pytest.approx(1.0, rel=0.2)
    slope, error = fitted.slopes["key"]
    assert slope == pytest.approx(2 * 0.2 / SPREAD["key"], abs=4 * error) and error < 0.2


def test_noise_moves_little():
    fitted = fit_moves(encodes(600, {}, noise=3.0))
    moved = np.array([abs(move) / SPREAD[name] for name, move in fitted.moves.items()])
    assert np.median(moved) < 0.1
    assert fitted.worth < 1.5


def test_a_second_round_goes_on_from_the_first():
    best = {"top": 3.0 * SPREAD["top"]}  # farther than a round goes
    first = encodes(400, best, noise=1.0)
    once = fit_moves(first)
    second = encodes(400, best, noise=1.0, seed=2, around=once.moves)
    twice = fit_moves([*first, *second])
    assert once.moves["top"] < best["top"]
    assert abs(twice.moves["top"] - best["top"]) < abs(once.moves["top"] - best["top"])


def test_one_oddity_does_not_decide():
    rows = encodes(400, {"key": 0.2}, noise=1.0)
    rows[7] = {**rows[7], "gain": -4000.0}
    assert fit_moves(rows).moves["key"] == pytest.approx(0.2, abs=0.5 * SPREAD["key"])
