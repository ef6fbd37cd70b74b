"""Forecast of coded frames: what the controller expects, and what each layer's last frame was.

The dynamics begin here. A frame's bits at q_ref are what the controller expects, and fall by about 1.1
octaves with each octave of the quantizer step; its quality is that of its layer's last frame, and falls
by some dB with each octave between the two. The network adds what its references tell, and a correction.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import HINTS, Array, Forecast, Schedule, Widths

BITS_PER_OCTAVE = 1.1  # octaves of bits that an octave of the quantizer step costs; where the network begins
DB_PER_OCTAVE = 3.0  # of quality, likewise
BITS_LOG_PER_OCTAVE = BITS_PER_OCTAVE * math.log(2.0)  # the same in the scale of the dynamics
SSE_LOG_PER_OCTAVE = DB_PER_OCTAVE * math.log(10.0) / 20.0
_REFERENCES = ("last", "golden", "altref")
_FIRST_DB, _FIRST_DB_PER_OCTAVE = 57.0, 4.0  # quality of a layer's first frame by its log2 quantizer step


def forecasts(widths: Widths, step: Array, schedule: Schedule) -> Forecast:
    """Of a coded frame and of the D frames ahead of it.

    Args:
      widths: names of the step features.
      step: f4[B, ..., S] features of the frame.
      schedule: i4[B, ..., D] the frames ahead; a frame that is not there is forecast like a key frame.

    Returns:
      [B, ..., 1 + D] each. All 0 where features have no names (made-up widths of tests).
    """
    step = jnp.asarray(step)
    if not widths.step_names:
        zeros = jnp.zeros((*step.shape[:-1], 1 + schedule.layer.shape[-1]))
        return Forecast(zeros, zeros, zeros, zeros.astype(jnp.int32), zeros[..., None] * jnp.zeros(HINTS))

    def of(name: str) -> jax.Array:
        return step[..., widths.step_names.index(name)]

    def of_layers(name: str) -> jax.Array:
        return jnp.stack([of(f"{layer}_{name}") for layer in widths.layer_names], axis=-1)

    steps = jnp.asarray(widths.log2_steps)
    kinds = [f"is_{layer}" for layer in widths.layer_names]
    layer = jnp.argmax(jnp.stack([of(kind) for kind in kinds], axis=-1), axis=-1)
    layers = jnp.concatenate([layer[..., None], jnp.asarray(schedule.layer)], axis=-1)
    layers = jnp.clip(layers, 0, len(kinds) - 1)

    def at(values: jax.Array) -> jax.Array:
        return jnp.take_along_axis(values, layers, axis=-1)

    qindex = 128.0 * (1.0 + of("reference_qindex"))
    own_step = _step_at(steps, qindex)[..., None]
    seen = at(of_layers("seen")) > 0.5
    is_own = jnp.arange(layers.shape[-1]) == 0
    last_step = own_step + at(of_layers("last_step"))
    # The frame itself has its q_ref; one ahead is taken to have its layer's last step.
    ref_step = jnp.where(is_own | ~seen, own_step, last_step)
    expected = math.log(2.0) * 4.0 * of("expected_to_share")[..., None]
    per_pixel = 4.0 * (of("expected_bits") - of("expected_to_share"))[..., None]  # log2 of the target's
    last_bits = math.log(2.0) * (4.0 * at(of_layers("last_bits")) - per_pixel)
    first_db = _FIRST_DB - _FIRST_DB_PER_OCTAVE * ref_step
    last_db = 10.0 * (at(of_layers("last_quality")) + 4.0) - DB_PER_OCTAVE * (ref_step - last_step)
    quality_db = jnp.where(seen, last_db, first_db)
    mean_square = 255.0**2 * 10.0 ** (-quality_db / 10.0)
    own_hints = _hints(of, quality_db[..., 0], seen[..., 0])[..., None, :]
    return Forecast(
        log_bits=jnp.where(is_own | ~seen, expected, last_bits),
        log_sse=0.5 * jnp.log(mean_square + 0.05),
        qindex=jnp.interp(ref_step, steps, jnp.arange(256.0)),
        layer=layers.astype(jnp.int32),
        hints=jnp.where(is_own[:, None], own_hints, 0.0),
    )


def _hints(of: Callable[[str], jax.Array], quality_db: jax.Array, seen: jax.Array) -> jax.Array:
    """f4[B, ..., HINTS] of a frame that is forecast to have this quality; see `HINTS`.

    The last three were drawn from all step features by how much a linear map of them tells of quality.
    """
    valid = jnp.stack([of(f"{name}_valid") for name in _REFERENCES], axis=-1) > 0.5
    over = jnp.stack([of(f"{name}_quality") + 4.0 for name in _REFERENCES], axis=-1)
    over = over - quality_db[..., None] / 10.0
    step_over = jnp.stack([of(f"{name}_step") for name in _REFERENCES], axis=-1)
    exists, count = jnp.any(valid, axis=-1), jnp.maximum(jnp.sum(valid, axis=-1), 1)
    best = jnp.where(exists, jnp.max(jnp.where(valid, over, -jnp.inf), axis=-1), 0.0)
    means = [jnp.sum(jnp.where(valid, x, 0.0), axis=-1) / count for x in (over, step_over)]
    content = (seen.astype(jnp.float32), of("look_between"), of("expected_bits"))
    return jnp.stack([exists.astype(jnp.float32), best, *means, *content], axis=-1)


def octaves(config: NetworkConfig, widths: Widths, qindex: Array, action: Array) -> jax.Array:
    """f4[B, ...]: by how many octaves of the quantizer step actions move frames from their q_ref."""
    if not widths.log2_steps:
        return jnp.zeros(jnp.shape(action))
    steps, offset = jnp.asarray(widths.log2_steps), jnp.asarray(config.actions, jnp.float32)[action]
    moved = jnp.asarray(qindex) + offset if config.action_mode == "relative" else offset
    return _step_at(steps, moved) - _step_at(steps, jnp.asarray(qindex))


def _step_at(steps: jax.Array, qindex: jax.Array) -> jax.Array:
    return jnp.interp(jnp.clip(qindex, 1.0, 255.0), jnp.arange(256.0), steps)
