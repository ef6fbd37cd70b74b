"""Targets computed by hand, and what a batch of windows holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.agent.batch import (
    NO_FRAME,
    Sample,
    Trace,
    action_target,
    make_batch,
    nearest_action,
    scaled_log_bits,
    scaled_log_sse,
    start_probabilities,
    window_starts,
)
from muzero_rc.config.schema import NetworkConfig

THREE = NetworkConfig(offsets=(-10, 0, 10))
ABSOLUTE = NetworkConfig(action_mode="absolute")


@pytest.mark.parametrize(
    ("qindex", "q_ref", "expected"),
    [
        (100, 100, [0.0, 1.0, 0.0]),
        (105, 100, [0.0, 0.5, 0.5]),
        (98, 100, [0.2, 0.8, 0.0]),
        (90, 100, [1.0, 0.0, 0.0]),
        (1, 100, [1.0, 0.0, 0.0]),  # beyond the ends: the end
        (255, 100, [0.0, 0.0, 1.0]),
    ],
)
def test_an_action_target_by_hand(qindex, q_ref, expected):
    np.testing.assert_allclose(action_target(np.int32(qindex), np.int32(q_ref), THREE), expected, atol=1e-6)


def test_an_absolute_target_ignores_the_reference():
    target = action_target(np.array([7]), np.array([200]), ABSOLUTE)
    assert target.shape == (1, 256) and target[0, 7] == 1.0


@given(st.integers(1, 255), st.integers(1, 255))
def test_the_mean_action_of_a_target_is_the_qindex(qindex, q_ref):
    config = NetworkConfig()
    target = action_target(np.array([qindex]), np.array([q_ref]), config)[0]
    limit = config.actions[-1]
    assert target.sum() == pytest.approx(1.0, abs=1e-5) and target.min() >= 0.0
    expected = np.clip(qindex - q_ref, -limit, limit)
    assert target @ np.array(config.actions) == pytest.approx(expected, abs=1e-3)
    assert abs(config.actions[int(nearest_action(qindex, q_ref, config))] - expected) <= 4


def test_scales_by_hand():
    assert scaled_log_bits(np.array([1000.0]), 1000.0)[0] == pytest.approx(0.0)
    assert scaled_log_bits(np.array([0]), 1.0)[0] == pytest.approx(0.0)  # nothing is not minus infinity
    assert scaled_log_sse(np.array([95.0]), np.array([100.0]))[0] == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(scaled_log_sse(np.array([0]), np.array([0]))[0])
    assert np.isnan(scaled_log_sse(np.array([-1]), np.array([100]))[0])  # not known, which is not lossless


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 99))
def test_windows_begin_inside_and_in_order(frames, windows, seed):
    log_bits = np.random.default_rng(seed + 1).normal(0.0, 3.0, frames)
    for probabilities in (np.ones(frames), start_probabilities(log_bits, 0.5)):
        starts = window_starts(probabilities, windows, np.random.default_rng(seed))
        assert len(starts) == windows and starts.min() >= 0 and starts.max() < frames
        assert (np.diff(starts) >= 0).all()


def test_windows_begin_evenly_or_by_bits():
    rng = np.random.default_rng(1)
    even = window_starts(start_probabilities(np.zeros(64), 0.5), 16, rng)
    assert (even // 4 == np.arange(16)).all()  # one in each stretch of four
    one_key_frame = np.log(np.array([63.0] + [1.0] * 63))  # half of the bits
    starts = np.concatenate(
        [window_starts(start_probabilities(one_key_frame, 0.5), 16, rng) for _ in range(200)]
    )
    assert np.mean(starts == 0) == pytest.approx(0.25 + 0.5 / 64, abs=0.01)
    assert start_probabilities(one_key_frame, 0.5).sum() == pytest.approx(1.0)


def sample(frames=6, *, policy=False, follow=0.5):
    counting = np.arange(frames, dtype=np.int32)
    trace = Trace(
        frame_type=counting % 5,
        layer=counting % 3,
        show_index=counting,
        q_ref=np.full(frames, 100, np.int32),
        qindex=100 + 10 * (counting % 3 - 1),  # actions 0, 1, 2, 0, 1, 2
        step=np.stack([counting, -counting], axis=1).astype(np.float32),
        log_bits=counting / 10.0,
        log_sse=counting / 100.0,
        policy=np.tile(np.array([0.2, 0.3, 0.5], np.float16), (frames, 1)) if policy else None,
        running=counting / 8.0,
        privileged=np.stack([counting, counting + 1.0], axis=1),
    )
    clip, shown = np.ones(2, np.float32), np.ones((frames, 4), np.float32)
    return Sample(trace, clip, shown, 0.25, 1.0, -0.01, follow, policy, (0.1, 0.02, 3))


def batch_of(*samples, windows=6, unroll=2, share=1.0):
    rng = np.random.default_rng(0)
    return make_batch(
        samples, THREE, windows=windows, unroll=unroll, true_schedule_share=share, bits_share=0.0, rng=rng
    )


def test_a_batch_by_hand():
    batch = batch_of(sample(6))
    assert batch.show_index.tolist() == [[0, 1, 2, 3, 4, 5]]
    assert batch.action[0].tolist() == [[0, 1], [1, 2], [2, 0], [0, 1], [1, 2], [2, 2]]
    assert batch.exists[0].tolist() == [[1, 1, 1]] * 4 + [[1, 1, 0], [1, 0, 0]]
    assert batch.schedule.show_index[0, 0].tolist() == [1, 2]  # the frames that the actions lead to
    assert batch.schedule.frame_type[0, 4].tolist() == [0, NO_FRAME]  # the episode ends
    np.testing.assert_allclose(batch.log_bits[0, 2], [0.2, 0.3])
    np.testing.assert_allclose(batch.policy[0, 1, 0], [0, 1, 0])
    np.testing.assert_allclose(batch.policy_weight[0], 0.5 * batch.exists[0])
    assert batch.log_rate[0] == pytest.approx(-0.01)
    np.testing.assert_allclose(batch.worth[0], 0.25 - np.arange(6) / 8.0)  # what is yet to come
    np.testing.assert_allclose(batch.privileged[0, 2], [2.0, 3.0])
    assert batch.clip.frames.shape == (1, 16, 4) and batch.clip.length.tolist() == [6]


def test_what_search_said_is_told_apart_from_what_was_done():
    batch = batch_of(sample(policy=True), sample(policy=False))
    np.testing.assert_allclose(batch.policy[0, 1, 0], [0, 1, 0])
    np.testing.assert_allclose(batch.searched[0, 1, 0], [0.2, 0.3, 0.5], atol=1e-3)
    np.testing.assert_allclose(batch.searched[1], batch.policy[1])
    assert batch.follow_search.tolist() == [1.0, 0.0] and batch.policy_weight[0, 0, 0] == 0.5


def test_the_schedule_is_hidden_in_the_other_share():
    batch = batch_of(*[sample(30) for _ in range(40)], share=0.0, unroll=5)
    known = (batch.schedule.frame_type >= 0)[:, 0].sum(axis=-1)
    assert set(known.tolist()) == {0, 1, 2, 3, 4, 5}  # up to a random depth
