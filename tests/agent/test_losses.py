"""The loss of a batch, where not everything is known of every frame."""

import dataclasses

import jax
import numpy as np
import pytest
from support.policy_samples import network, widths

from muzero_rc.agent.batch import Sample, Trace, make_batch, privileged_width
from muzero_rc.agent.losses import loss
from muzero_rc.config.schema import Config, NetworkConfig

SMALL = NetworkConfig(width=8, latents=2, attention_heads=2, encoder_layers=1, step_blocks=1)
FRAMES = 12


@pytest.fixture(scope="module")
def loss_of():
    """The loss of an episode with these scaled errors, its parts, and the gradient."""
    config, sizes, rng = dataclasses.replace(Config(), network=SMALL), widths(), np.random.default_rng(0)
    networks, params = network(SMALL)
    trace = Trace(
        frame_type=np.full(FRAMES, 1, np.int32),
        layer=np.full(FRAMES, 5, np.int32),
        show_index=np.arange(FRAMES, dtype=np.int32),
        q_ref=np.full(FRAMES, 100, np.int32),
        qindex=rng.integers(90, 110, FRAMES).astype(np.int32),
        step=rng.normal(size=(FRAMES, sizes.step)).astype(np.float32),
        log_bits=rng.normal(size=FRAMES).astype(np.float32),
        log_sse=np.zeros(FRAMES, np.float32),
        policy=None,
        running=np.zeros(FRAMES, np.float32),
        privileged=np.zeros((FRAMES, privileged_width(sizes.layers)), np.float32),
    )
    clip, shown = np.zeros(sizes.clip, np.float32), np.zeros((FRAMES, sizes.frame), np.float32)
    both = jax.jit(jax.value_and_grad(lambda p, b: loss(networks, config, p, b), has_aux=True))

    def run(log_sse):
        told = trace._replace(log_sse=log_sse)
        sample = Sample(told, clip, shown, 0.25, 1.0, -0.01, 0.5, False, (0.1, 0.02, 3))
        batch = make_batch(
            [sample],
            SMALL,
            windows=FRAMES,
            unroll=2,
            true_schedule_share=1.0,
            bits_share=0.0,
            rng=np.random.default_rng(0),
        )
        (total, parts), gradient = both(params, batch)
        finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
        return float(total), {name: float(value) for name, value in parts.items()}, finite, config

    return run


def test_an_error_that_is_not_known_teaches_nothing(loss_of):
    errors = np.random.default_rng(1).normal(size=FRAMES).astype(np.float32)
    whole, parts, _, config = loss_of(errors)
    nothing, without, is_finite, _ = loss_of(np.full(FRAMES, np.nan, np.float32))
    assert parts["loss_sse"] > 0 and without["loss_sse"] == 0 and is_finite
    assert nothing == pytest.approx(whole - config.learner.model_weight * parts["loss_sse"], rel=1e-5)
    hidden = np.arange(FRAMES) % 4 == 1
    some, of_some, is_finite, _ = loss_of(np.where(hidden, np.nan, errors).astype(np.float32))
    assert is_finite and np.isfinite(some)
    lossless = loss_of(np.where(hidden, -1.5, errors).astype(np.float32))[1]
    assert of_some["loss_sse"] not in (parts["loss_sse"], lossless["loss_sse"])
