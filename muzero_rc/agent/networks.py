"""The networks: four pure functions over one set of Haiku parameters.

    encode_clip   once per clip: what comes when (looks ahead, linear in T)
    represent     once per coded frame: a state from step features and the encoding
    predict       policy and value logits of a state
    dynamics      the next state, for search and training only

The C runtime (native/network/network.c) repeats encode_clip, represent and the policy
of predict; a change here is a change there, and tests compare the two. The critic among the heads is
asymmetric: it also sees what only training knows (`agent.batch.privileged_width`), the policy does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

from muzero_rc.agent.batch import privileged_width
from muzero_rc.agent.forecast import BITS_LOG_PER_OCTAVE, SSE_LOG_PER_OCTAVE, forecasts, octaves
from muzero_rc.agent.layers import Weight, block, head, linear, norm
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import (
    HINTS,
    Array,
    ClipBatch,
    Forecast,
    Params,
    Prediction,
    Schedule,
    Transition,
    Widths,
)

_HINT = 30.0  # what a hint's weight of 1 counts: Adam gets there before the correction learns clips by heart
_MASKED = -1e30  # a logit that softmax turns into 0


class Networks(NamedTuple):
    """Pure functions; `params` first. `...` may be empty, windows of a clip, or depths."""

    init: Callable[[Array], Params]
    """rng key -> params"""
    encode_clip: Callable[[Params, ClipBatch], jax.Array]
    """-> f4[B, T, E], zero from each clip's length on"""
    represent: Callable[[Params, Array, Array], jax.Array]
    """(seen f4[B, ..., E] = look_up(encoding, show_index), step f4[B, ..., S]) -> state f4[B, ..., d]"""
    predict: Callable[[Params, Array, Array], Prediction]
    """(state f4[B, ..., d], privileged f4[B, ..., P] of the frame that it was unrolled from) -> logits"""
    dynamics: Callable[[Params, Array, Array, Array, Forecast], Transition]
    """(state f4[B, ..., d], action i4[B, ...], exo f4[B, ..., F] of the next coded frame, forecast [B, ...]
    of the present one)"""
    exogenous: Callable[[Array, Schedule], jax.Array]
    """(encoding f4[B, T, E], schedule i4[B, ...]) -> exo f4[B, ..., F]; no parameters"""
    forecasts: Callable[[Array, Schedule], Forecast]
    """(step f4[B, ..., S], schedule i4[B, ..., D]) -> [B, ..., 1 + D]; no parameters"""
    expected_bits: Callable[[Array, Forecast], jax.Array]
    """(action i4[B, ...], forecast [B, ...]) -> f4[B, ...] what the dynamics begin with; no parameters"""


def seen_windows(config: NetworkConfig) -> tuple[int, ...]:
    """Windows of frames ahead whose mean encoding a step sees; none without look-ahead."""
    return config.windows if config.look_ahead else ()


def encoding_width(config: NetworkConfig) -> int:
    """E: a shown frame's own encoding, then the means over the windows after it."""
    return (1 + len(seen_windows(config))) * config.width


def exo_width(config: NetworkConfig, widths: Widths) -> int:
    """F: exogenous inputs of the dynamics, of one frame ahead."""
    return 1 + widths.frame_types + widths.layers + encoding_width(config)


def look_up(encoding: Array, show_index: Array) -> jax.Array:
    """The encoding of each frame: f4[B, T, E], i4[B, ...] -> f4[B, ..., E]; clamped into the clip."""
    batch, frames, width = encoding.shape
    index = jnp.clip(jnp.reshape(show_index, (batch, -1)), 0, frames - 1)
    rows = jnp.take_along_axis(jnp.asarray(encoding), index[..., None], axis=1)
    return rows.reshape((*show_index.shape, width))


def exogenous(widths: Widths, encoding: Array, schedule: Schedule) -> jax.Array:
    """f4[B, ..., F] of scheduled frames, i4[B, ...] each; all zero where there is no frame."""
    exists = (jnp.asarray(schedule.frame_type) >= 0)[..., None]
    parts = (
        jnp.ones_like(exists, jnp.float32),
        jax.nn.one_hot(schedule.frame_type, widths.frame_types),
        jax.nn.one_hot(schedule.layer, widths.layers),
        look_up(encoding, schedule.show_index),
    )
    return jnp.where(exists, jnp.concatenate(parts, axis=-1), 0.0)


def absolute_basis(config: NetworkConfig) -> np.ndarray[Any, Any]:
    """f4[K, 256]: cosines of rising frequency, which keep absolute logits smooth in qindex."""
    frequency = np.arange(config.absolute_basis)[:, None]
    basis = np.cos(np.pi * frequency * (np.arange(256)[None, :] + 0.5) / 256)
    return np.asarray(basis, np.float32)


def make_networks(config: NetworkConfig, widths: Widths) -> Networks:
    """The network's functions for these sizes."""

    def factory() -> tuple[Callable[..., None], tuple[Callable[..., object], ...]]:
        def encode_clip(batch: ClipBatch) -> jax.Array:
            return _encode_clip(config, batch)

        def represent(seen: Array, step: Array) -> jax.Array:
            return _represent(config, seen, step)

        def predict(state: Array, privileged: Array) -> Prediction:
            return _predict(config, state, privileged)

        def dynamics(state: Array, action: Array, exo: Array, forecast: Forecast) -> Transition:
            return _dynamics(config, widths, state, action, exo, forecast)

        def touch_all() -> None:
            batch = ClipBatch(
                jnp.zeros((1, widths.clip)), jnp.zeros((1, 1, widths.frame)), jnp.ones(1, jnp.int32)
            )
            seen = look_up(encode_clip(batch), jnp.zeros(1, jnp.int32))
            state = represent(seen, jnp.zeros((1, widths.step)))
            predict(state, jnp.zeros((1, privileged_width(widths.layers))))
            none = jnp.zeros(1)
            forecast = Forecast(none, none, none, none.astype(jnp.int32), jnp.zeros((1, HINTS)))
            dynamics(state, jnp.zeros(1, jnp.int32), jnp.zeros((1, exo_width(config, widths))), forecast)

        return touch_all, (encode_clip, represent, predict, dynamics)

    transformed = hk.without_apply_rng(hk.multi_transform(factory))
    encode_clip, represent, predict, dynamics = transformed.apply

    def expected_bits(action: Array, forecast: Forecast) -> jax.Array:
        moved = octaves(config, widths, forecast.qindex, action)
        return jnp.asarray(forecast.log_bits) - BITS_LOG_PER_OCTAVE * moved

    known = (functools.partial(exogenous, widths), functools.partial(forecasts, widths), expected_bits)
    return Networks(transformed.init, encode_clip, represent, predict, dynamics, *known)


def _encode_clip(config: NetworkConfig, batch: ClipBatch) -> jax.Array:
    frames = jnp.asarray(batch.frames)
    inside = jnp.arange(frames.shape[1])[None, :] < jnp.asarray(batch.length)[:, None]  # [B, T]
    x = linear("clip_in", frames, config.width)
    x += linear("clip_constants", batch.clip, config.width, bias=False)[:, None]
    if config.look_ahead:
        for layer in range(config.encoder_layers):
            x = _convolve(config, f"clip_{layer}", x, inside)
            x = _attend_globally(config, f"clip_{layer}", x, inside)
            x = block(f"clip_{layer}_mlp", x, config.width)
    encoding = jnp.where(inside[..., None], norm("clip_norm", x), 0.0)
    ahead = [_mean_ahead(encoding, inside, window) for window in seen_windows(config)]
    return jnp.concatenate([encoding, *ahead], axis=-1)


def _convolve(config: NetworkConfig, name: str, x: jax.Array, inside: jax.Array) -> jax.Array:
    """A residual depthwise convolution over time; outside the clip there are zeros."""
    frames, half = x.shape[1], config.kernel // 2
    u = jnp.where(inside[..., None], norm(f"{name}_conv_norm", x), 0.0)
    u = jnp.pad(u, ((0, 0), (half, half), (0, 0)))
    kernel = Weight(f"{name}_conv")((config.kernel, config.width), config.kernel**-0.5)
    mixed = sum(u[:, k : k + frames] * kernel[k] for k in range(config.kernel))
    return x + linear(f"{name}_conv_out", jax.nn.relu(mixed), config.width)


def _attend_globally(config: NetworkConfig, name: str, x: jax.Array, inside: jax.Array) -> jax.Array:
    """A few latents attend over all frames, then every frame attends to the latents: linear in T."""
    width = config.width
    u = norm(f"{name}_attention_norm", x)
    queries = Weight(f"{name}_latents")((config.latents, width), 1.0)
    keys = linear(f"{name}_key", u, width, bias=False)
    values = linear(f"{name}_value", u, width, bias=False)
    queries = jnp.broadcast_to(queries, (x.shape[0], *queries.shape))
    latents = _attention(config, queries, keys, values, inside)
    everywhere = jnp.ones(latents.shape[:2], bool)
    mixed = _attention(
        config,
        linear(f"{name}_query", u, width, bias=False),
        linear(f"{name}_latent_key", latents, width, bias=False),
        linear(f"{name}_latent_value", latents, width, bias=False),
        everywhere,
    )
    return x + linear(f"{name}_attention_out", mixed, width)


def _attention(
    config: NetworkConfig, queries: jax.Array, keys: jax.Array, values: jax.Array, mask: jax.Array
) -> jax.Array:
    """Softmax attention: f4[B, Q, d] over f4[B, K, d] where bool[B, K] -> f4[B, Q, d]."""
    heads = config.attention_heads
    size = config.width // heads
    queries, keys, values = (x.reshape(*x.shape[:2], heads, size) for x in (queries, keys, values))
    scores = jnp.einsum("bqhs,bkhs->bhqk", queries, keys) * size**-0.5
    weights = jax.nn.softmax(jnp.where(mask[:, None, None, :], scores, _MASKED), axis=-1)
    return jnp.einsum("bhqk,bkhs->bqhs", weights, values).reshape(*queries.shape[:2], config.width)


def _mean_ahead(encoding: jax.Array, inside: jax.Array, window: int) -> jax.Array:
    """Mean of the `window` frames after each one, of those that exist; else zero. f4[B, T, d]."""

    def total(x: jax.Array) -> jax.Array:
        padded = jnp.pad(x, ((0, 0), (0, window), (0, 0)))
        sums: jax.Array = jax.lax.reduce_window(padded, 0.0, jax.lax.add, (1, window, 1), (1, 1, 1), "VALID")
        return sums[:, 1:]

    count = total(inside[..., None].astype(jnp.float32))
    return total(encoding) / jnp.maximum(count, 1.0)


def _represent(config: NetworkConfig, seen: Array, step: Array) -> jax.Array:
    x = jnp.concatenate([jnp.asarray(step), jnp.asarray(seen)], axis=-1)
    x = linear("step_out", jax.nn.relu(linear("step_in", x, 2 * config.width)), config.width)
    for i in range(config.step_blocks):
        x = block(f"step_{i}", x, config.width)
    return norm("step_norm", x)


def _predict(config: NetworkConfig, state: Array, privileged: Array) -> Prediction:
    if config.action_mode == "absolute":
        policy = head("policy_logits", state, config.absolute_basis) @ absolute_basis(config)
    else:
        policy = head("policy_logits", state, len(config.actions))
    return Prediction(
        policy,
        head("gain_logits", _critic(config, state, privileged), config.gain_bins),
        head("rate_logits", state, config.rate_bins),
    )


def _critic(config: NetworkConfig, state: Array, privileged: Array) -> jax.Array:
    """f4[B, ..., d]: a state, and how the encode compares with its paired one so far."""
    x = linear("critic_state", state, config.width)
    x += linear("critic_privileged", jnp.asarray(privileged), config.width, bias=False)
    x = jax.nn.relu(x)
    for i in range(config.critic_blocks):
        x = block(f"critic_{i}", x, config.width)
    return norm("critic_norm", x)


def _dynamics(
    config: NetworkConfig, widths: Widths, state: Array, action: Array, exo: Array, forecast: Forecast
) -> Transition:
    """A residual step; bits and error are the forecast, what the action moves, and a correction."""
    actions = np.asarray(config.actions, np.float32)
    centred = (actions - actions.mean()) / max(np.max(abs(actions - actions.mean())), 1.0)
    chosen, moved = jax.nn.one_hot(action, len(actions)), octaves(config, widths, forecast.qindex, action)
    inputs = (jnp.asarray(state), chosen, (chosen @ centred)[..., None], moved[..., None], jnp.asarray(exo))
    x = jnp.concatenate(inputs, axis=-1)
    x = jnp.asarray(state) + linear(
        "dynamics_out", jax.nn.relu(linear("dynamics_in", x, 2 * config.width)), config.width
    )
    for i in range(config.dynamics_blocks):
        x = block(f"dynamics_{i}", x, config.width)
    x = norm("dynamics_norm", x)
    per_octave = Weight("dynamics_per_octave")((2, widths.layers), 0.0)
    by_layer = 1.0 + jnp.take(per_octave, jnp.asarray(forecast.layer), axis=1)  # [2, B, ...]
    bits = forecast.log_bits - BITS_LOG_PER_OCTAVE * by_layer[0] * moved
    told = _HINT * jnp.take(
        Weight("dynamics_hints")((widths.layers, HINTS), 0.0), jnp.asarray(forecast.layer), axis=0
    )
    sse = forecast.log_sse + SSE_LOG_PER_OCTAVE * by_layer[1] * moved
    sse -= jnp.sum(told * forecast.hints, axis=-1)
    return Transition(
        x,
        bits + head("log_bits", x, 1)[..., 0],
        sse + head("log_sse", x, 1)[..., 0],
    )
