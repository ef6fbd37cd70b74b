"""Checkpoints: whole or not there; one that was cut short leaves the one before."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.training.checkpoint import load_latest, save

STATE = {"params": {"w": np.arange(6.0).reshape(2, 3)}, "step": np.int32(0)}


def state_at(step):
    return {"params": {"w": STATE["params"]["w"] + step}, "step": np.int32(step)}


def test_round_trip(tmp_path):
    save(tmp_path, 5, state_at(5), {"spent_s": 1.5})
    state, note = load_latest(tmp_path, STATE)
    assert note == {"spent_s": 1.5} and int(state["step"]) == 5
    np.testing.assert_array_equal(state["params"]["w"], state_at(5)["params"]["w"])


def test_nothing_there(tmp_path):
    assert load_latest(tmp_path / "none", STATE) is None


def test_the_one_before_is_kept_and_older_ones_go(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step, state_at(step), {})
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"{step:09d}.checkpoint" for step in (2, 3)]


@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_cut_short_checkpoint_leaves_the_one_before(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("run")
    save(folder, 1, state_at(1), {})
    path = save(folder, 2, state_at(2), {})
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    logging.disable(logging.WARNING)
    state, _ = load_latest(folder, STATE)
    logging.disable(logging.NOTSET)
    assert int(state["step"]) == 1


def test_another_networks_checkpoint_is_refused(tmp_path):
    save(tmp_path, 1, {"params": {"w": np.zeros((3, 3))}, "step": np.int32(1)}, {})
    with pytest.raises(ValueError, match="belongs to another network"):
        load_latest(tmp_path, STATE)
