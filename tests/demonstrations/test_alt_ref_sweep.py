"""Alt-ref sweeps: one layer moved, everything else as the controller has it."""

import numpy as np
import pytest
from support.learn_samples import episode, played_demonstrations, toy_corpus

from muzero_rc.config.schema import ImitationConfig
from muzero_rc.corpus.anchor import anchor_of
from muzero_rc.demonstrations.alt_ref_sweep import KIND, MOVES, MovedTops, best_move
from muzero_rc.experience.episode import OPTIMUM
from muzero_rc.experience.hindsight import imitation_weight

SWEEPS = ("demonstrations.swept=1", "demonstrations.sweep_targets=2")
PYRAMID = ("encode.auto_alt_ref=6", "encode.lag_in_frames=25")
STEPS = np.concatenate([[0.0], np.linspace(2.0, 10.0, 255)])  # an octave is about 32 qindexes


def test_every_move_is_played_once_at_every_target(tmp_path):
    toy_corpus(tmp_path / "corpus", 2)
    made, encodes = played_demonstrations(tmp_path, *SWEEPS)
    assert encodes == len(made) == len({one.uid for one in made}) == 2 * (len(MOVES) + 1)
    assert len({one.instance for one in made}) == 1 and len({one.target_kbps for one in made}) == 2
    again, encodes = played_demonstrations(tmp_path, *SWEEPS)
    assert encodes == 0 and {one.uid for one in again} == {one.uid for one in made}
    assert played_demonstrations(tmp_path) == ([], 0)


def test_asking_for_more_targets_keeps_what_was_made(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    two, _ = played_demonstrations(tmp_path, *SWEEPS)
    four, encodes = played_demonstrations(
        tmp_path, "demonstrations.swept=1", "demonstrations.sweep_targets=4"
    )
    assert {one.uid for one in two} < {one.uid for one in four}
    assert encodes == len(four) - len(two) == 2 * (len(MOVES) + 1)
    assert len({one.target_kbps for one in four}) == 4


@pytest.mark.parametrize(("name", "move"), MOVES)
def test_only_the_moved_layer_is_decided_otherwise(tmp_path, name, move):
    toy_corpus(tmp_path / "corpus", 1)
    made, _ = played_demonstrations(tmp_path, *SWEEPS, *PYRAMID)
    played = [one.records for one in made if one.kind == KIND and MOVES[one.index][0] == name]
    assert played
    for records in played:
        moved = (records["layer"] == 1) & (move != 0.0)
        difference = records["asked"].astype(int) - records["q_ref"]
        assert (difference[~moved] == 0).all()
        inside = moved & (records["q_ref"] > 30) & (records["q_ref"] < 225)
        assert (np.sign(difference[inside]) == np.sign(move)).all()
        assert inside.any() or move == 0.0


def test_the_optimum_is_played_last_and_alone_is_followed(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    made, _ = played_demonstrations(tmp_path, *SWEEPS)
    config = ImitationConfig(against="optimum", asked_target=True, fill_floor=0.0, fill_tolerance=1.0)
    followed = [one.uid for one in made if imitation_weight(one, config) > 0.0]
    assert followed == [one.uid for one in made[-2:]] == [one.uid for one in made if one.kind == OPTIMUM]
    assert [one.parent for one in made[-2:]] == list(dict.fromkeys(one.parent for one in made))


FLAT = anchor_of([(50.0, 37.0), (100.0, 40.0), (200.0, 43.0)])
"""An octave of rate is worth 3 dB."""


class Studied:
    """Of a store, the anchor."""

    def anchor(self, name):
        return FLAT


@pytest.mark.parametrize(
    ("gains_percent", "move"),
    [
        ((0.0, 0.0, 0.0), 0.0),
        ((0.0, 1.8, -1.8), -0.2),  # finer alt-refs pay
        ((0.0, -1.8, 1.8), 0.2),
        ((0.0, -9.0, 9.0), 0.5),  # no further than was tried
        ((5.0, 2.0, 2.0), 0.0),  # what the clip makes easy does not count
    ],
)
def test_best_move_by_hand(gains_percent, move):
    scan = [
        episode(rate_kbps=100.0, psnr_y_db=40.0 + 0.01 * gain * 3.0 / np.log(2.0)) for gain in gains_percent
    ]
    assert best_move(Studied(), scan) == pytest.approx(move, abs=1e-3)


@pytest.mark.parametrize(
    ("q_ref", "move", "answer"),
    [(100, 0.0, 100), (100, -0.5, 84), (100, 0.5, 116), (3, -0.5, 1), (250, 0.5, 255)],
)
def test_a_move_is_in_steps_and_stays_within_the_scale(q_ref, move, answer):
    moved = MovedTops(STEPS, move)
    assert moved.answer({"q_ref": q_ref, "layer": 1}) == answer
    assert moved.answer({"q_ref": q_ref, "layer": 0}) == q_ref
