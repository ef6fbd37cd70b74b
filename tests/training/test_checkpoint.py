"""Checkpoints: whole or not there; one that was damaged leaves the one before."""

import logging

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.failing_writes import run_with_faults

from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import make_networks
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.errors import RunError
from muzero_rc.training.checkpoint import flat, load_latest, save
from muzero_rc.types import Widths

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
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["000000002.safetensors", "000000003.safetensors"]


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


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_leaves_the_one_before(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("run")
    save(folder, 1, state_at(1), {})
    path = save(folder, 2, state_at(2), {"spent_s": 1.5})
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    logging.disable(logging.WARNING)
    state, note = load_latest(folder, STATE)
    logging.disable(logging.NOTSET)
    if int(state["step"]) == 2:  # the bit said nothing, a blank of the header say
        np.testing.assert_array_equal(state["params"]["w"], state_at(2)["params"]["w"])
        assert note == {"spent_s": 1.5}
    else:
        assert int(state["step"]) == 1


def test_every_write_that_fails_leaves_the_one_before(tmp_path):
    run_with_faults(
        f"""
        import shutil
        from contextlib import suppress
        from pathlib import Path
        from support.failing_writes import faults
        from training.test_checkpoint import STATE, state_at
        from muzero_rc.training.checkpoint import load_latest, save
        folder = Path({str(tmp_path)!r}) / "run"
        for full in (False, True):
            for n in faults(full=full):
                shutil.rmtree(folder, ignore_errors=True)
                saved = 0
                with suppress(OSError):
                    for step in (1, 2):
                        save(folder, step, state_at(step), {{}})
                        saved = step
                found = load_latest(folder, STATE)
                assert (0 if found is None else int(found[0]["step"])) == saved, (n, full)
                left = [path.stem for path in sorted(folder.iterdir())]
                assert left == ["000000001", "000000002"][:saved], (n, full)
        """,
        tmp_path,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"params": {"w": np.zeros((3, 3))}, "step": np.int32(1)},
        {"params": {"v": np.zeros((2, 3))}, "step": np.int32(1)},
        {"params": {"w": np.zeros((2, 3), np.float32)}, "step": np.int32(1)},
        {"params": {"w": np.zeros((2, 3))}},
    ],
)
def test_another_networks_checkpoint_is_refused(tmp_path, other):
    save(tmp_path, 1, other, {})
    with pytest.raises(RunError, match="belongs to another network"):
        load_latest(tmp_path, STATE)


def test_checkpoints_of_an_older_version_are_refused_in_one_sentence(tmp_path):
    (tmp_path / "000000500.checkpoint").write_bytes(b"MZCK1\n" + bytes(99))
    with pytest.raises(RunError, match="older version's format") as caught:
        load_latest(tmp_path, STATE)
    assert "--init-from" in str(caught.value)
    save(tmp_path, 501, state_at(501), {})
    assert load_latest(tmp_path, STATE) is not None


def test_a_learners_whole_state_survives_under_names_that_say_what_it_is(tmp_path):
    config = override(Config(), ("network.width=8", "network.attention_heads=2", "network.encoder_layers=1"))
    learner = make_learner(config, make_networks(config.network, Widths(3, 5, 7, 5, 7)))
    state = learner.init(jax.random.PRNGKey(3))
    save(tmp_path, 0, state, {})
    loaded, _ = load_latest(tmp_path, state)
    for before, after in zip(*map(jax.tree_util.tree_leaves, (state, loaded)), strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
    names = set(flat(state))
    assert {"params.clip_in.w", "average.policy_logits.b", "step", "rng_key"} <= names
    assert len(names) == len(jax.tree_util.tree_leaves(state))
