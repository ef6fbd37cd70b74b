"""The network: shapes, and what may not depend on what."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from encoder_bridge import _native
from muzero_rc.agent.batch import privileged_width
from muzero_rc.agent.networks import exo_width, look_up, make_networks
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import HINTS, ClipBatch, Forecast, Schedule, Widths

WIDTHS = Widths(clip=3, frame=5, step=7, frame_types=5, layers=7)
SMALL = {"width": 16, "latents": 2, "attention_heads": 2, "encoder_layers": 1, "step_blocks": 1}
BATCH, FRAMES, WINDOWS, DEPTH = 2, 9, 3, 4
PRIVILEGED = privileged_width(WIDTHS.layers)


def forecast(shape=(BATCH,)):
    """A forecast of nothing."""
    return Forecast(
        np.zeros(shape),
        np.zeros(shape),
        np.full(shape, 100.0),
        np.zeros(shape, np.int32),
        np.zeros((*shape, HINTS)),
    )


class Case:
    """A network with random weights, and random inputs for it."""

    def __init__(self, **changes):
        self.config = NetworkConfig(**{**SMALL, **changes})
        self.networks = make_networks(self.config, WIDTHS)
        rng = np.random.default_rng(0)
        fresh = self.networks.init(jax.random.PRNGKey(0))
        self.params = jax.tree_util.tree_map(lambda x: x + 0.1 * rng.normal(size=x.shape), fresh)
        self.clip = rng.normal(size=(BATCH, WIDTHS.clip)).astype(np.float32)
        self.frames = rng.normal(size=(BATCH, FRAMES, WIDTHS.frame)).astype(np.float32)
        self.steps = rng.normal(size=(BATCH, WINDOWS, WIDTHS.step)).astype(np.float32)
        self.show_index = rng.integers(0, FRAMES, (BATCH, WINDOWS))
        self.privileged = rng.normal(size=(BATCH, WINDOWS, PRIVILEGED)).astype(np.float32)

    def encode(self, frames, length):
        batch = ClipBatch(self.clip[: len(frames)], frames, np.asarray(length))
        return np.asarray(jax.jit(self.networks.encode_clip)(self.params, batch))


@pytest.fixture(scope="module")
def case():
    return Case()


@pytest.mark.parametrize("changes", [{}, {"action_mode": "absolute"}, {"look_ahead": False}])
def test_shapes_with_windows_and_without(changes):
    case = Case(**changes)
    networks, params = case.networks, case.params
    encoding = case.encode(case.frames, [FRAMES, FRAMES])
    state = networks.represent(params, look_up(encoding, case.show_index), case.steps)
    assert state.shape == (BATCH, WINDOWS, case.config.width)
    prediction = networks.predict(params, state, case.privileged)
    assert prediction.policy_logits.shape == (BATCH, WINDOWS, len(case.config.actions))
    assert prediction.gain_logits.shape == (BATCH, WINDOWS, case.config.gain_bins)
    zeros = np.zeros((BATCH, DEPTH), np.int32)
    exo = networks.exogenous(encoding, Schedule(zeros, zeros, zeros))
    assert exo.shape == (BATCH, DEPTH, exo_width(case.config, WIDTHS))
    one = networks.represent(params, look_up(encoding, case.show_index[:, 0]), case.steps[:, 0])
    np.testing.assert_allclose(one, state[:, 0], rtol=1e-5, atol=1e-5)
    following = networks.dynamics(params, one, np.zeros(BATCH, np.int32), exo[:, 0], forecast())
    assert following.state.shape == (BATCH, case.config.width)
    assert following.log_bits.shape == following.log_sse.shape == (BATCH,)


def test_padding_changes_nothing(case):
    length = 6
    garbage = case.frames.copy()
    garbage[:, length:] = 1e6
    padded = case.encode(garbage, [length, length])
    exact = case.encode(case.frames[:, :length], [length, length])
    np.testing.assert_allclose(padded[:, :length], exact, rtol=1e-4, atol=1e-5)
    assert not padded[:, length:].any()


def test_look_ahead_sees_the_future_and_without_it_nothing_does(case):
    for subject, sees in ((case, True), (Case(look_ahead=False), False)):
        changed = subject.frames.copy()
        changed[:, -1] += 1
        before = subject.encode(subject.frames, [FRAMES, FRAMES])
        after = subject.encode(changed, [FRAMES, FRAMES])
        assert (np.abs(after[:, 0] - before[:, 0]).max() > 1e-4) == sees


def test_windows_hold_the_mean_of_the_frames_after(case):
    width = case.config.width
    encoding = case.encode(case.frames, [FRAMES, FRAMES])
    own, near = encoding[..., :width], encoding[..., width : 2 * width]
    np.testing.assert_allclose(near[:, 0], own[:, 1:9].mean(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(near[:, -3], own[:, -2:].mean(axis=1), rtol=1e-4, atol=1e-5)
    assert not near[:, -1].any()


def test_look_up_clamps_into_the_clip(case):
    encoding = case.encode(case.frames, [FRAMES, FRAMES])
    found = look_up(encoding, np.asarray([[-5, 99], [0, FRAMES - 1]]))
    assert np.array_equal(found[0], encoding[0, [0, -1]])
    assert np.array_equal(found[1], encoding[1, [0, -1]])


def test_frames_that_are_not_there_are_zero(case):
    encoding = case.encode(case.frames, [FRAMES, FRAMES])
    frame_type = np.asarray([[0, -1], [4, 2]])
    exo = np.asarray(
        case.networks.exogenous(encoding, Schedule(frame_type, frame_type, np.zeros((2, 2), int)))
    )
    assert not exo[0, 1].any()
    assert exo[..., 0].tolist() == [[1, 0], [1, 1]]


def test_every_kind_of_frame_of_the_encoders_is_told_apart(case):
    widths = Widths.of(_native)
    assert (widths.frame_types, widths.layers) == (len(_native.FRAME_TYPES), len(_native.LAYERS))
    kinds = np.stack(np.meshgrid(range(widths.frame_types), range(widths.layers)), axis=-1).reshape(1, -1, 2)
    networks = make_networks(case.config, widths)
    encoding = case.encode(case.frames[:1], [FRAMES])
    exo = networks.exogenous(encoding, Schedule(kinds[..., 0], kinds[..., 1], np.zeros(kinds.shape[:2], int)))
    assert len(np.unique(np.asarray(exo)[0], axis=0)) == widths.frame_types * widths.layers


def test_a_fresh_policy_is_uniform():
    networks = make_networks(NetworkConfig(**SMALL), WIDTHS)
    params = networks.init(jax.random.PRNGKey(1))
    state = jax.random.normal(jax.random.PRNGKey(2), (BATCH, SMALL["width"]))
    privileged = np.ones((BATCH, PRIVILEGED))
    assert not np.any(networks.predict(params, state, privileged).policy_logits)


def test_only_the_critic_sees_what_only_training_knows(case):
    state = np.random.default_rng(1).normal(size=(BATCH, WINDOWS, case.config.width))
    seen, changed = (
        case.networks.predict(case.params, state, x) for x in (case.privileged, case.privileged + 1.0)
    )
    assert np.array_equal(seen.policy_logits, changed.policy_logits)
    assert np.array_equal(seen.rate_logits, changed.rate_logits)
    assert not np.allclose(seen.gain_logits, changed.gain_logits)


def test_gradients_reach_every_parameter(case):
    networks = case.networks

    def loss(params):
        batch = ClipBatch(case.clip, case.frames, np.asarray([FRAMES, FRAMES]))
        encoding = networks.encode_clip(params, batch)
        state = networks.represent(params, look_up(encoding, case.show_index[:, 0]), case.steps[:, 0])
        ones = np.ones((BATCH, 1), np.int32)
        exo = networks.exogenous(encoding, Schedule(ones, ones, ones))[:, 0]
        following = networks.dynamics(params, state, np.ones(BATCH, np.int32), exo, forecast())
        predicted = networks.predict(params, following.state, case.privileged[:, 0])
        outputs = (*predicted, following.log_bits, following.log_sse)
        return sum(jnp.sum(x**2) for x in outputs)

    gradients = jax.jit(jax.grad(loss))(case.params)
    silent = [
        f"{module}.{name}"
        for module, parameters in gradients.items()
        for name, gradient in parameters.items()
        if not np.any(gradient)
        and module not in ("dynamics_per_octave", "dynamics_hints")  # made-up widths know neither
    ]
    assert not silent
