"""Two-hot codec: numbers as categorical distributions over evenly spaced bins, and back.

Bins lie from -limit to +limit; a number between two bins is shared by the two
("two-hot"), so that the distribution's mean is the number. Numbers outside count
as the limit.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from muzero_rc.types import Array


def centres(bins: int, limit: float) -> jax.Array:
    """f4[bins]: the values of the bins."""
    return jnp.linspace(-limit, limit, bins)


def two_hot(value: Array, bins: int, limit: float) -> jax.Array:
    """f4[...] -> f4[..., bins]: at most two neighbours above 0, sum 1."""
    place = (jnp.clip(jnp.asarray(value, jnp.float32), -limit, limit) + limit) * ((bins - 1) / (2 * limit))
    distance = jnp.abs(place[..., None] - jnp.arange(bins, dtype=jnp.float32))
    return jnp.maximum(1.0 - distance, 0.0)


def mean(logits: Array, limit: float) -> jax.Array:
    """f4[..., bins] -> f4[...]: the distribution's mean."""
    return jax.nn.softmax(jnp.asarray(logits), axis=-1) @ centres(logits.shape[-1], limit)


def probability_above(logits: Array, limit: float, threshold: Array) -> jax.Array:
    """f4[..., bins], f4[...] -> f4[...]: P(value > threshold), each bin's mass spread over its width."""
    bins = logits.shape[-1]
    width = 2 * limit / (bins - 1)
    above = (centres(bins, limit) - jnp.asarray(threshold)[..., None]) / width + 0.5
    return jnp.sum(jax.nn.softmax(jnp.asarray(logits), axis=-1) * jnp.clip(above, 0.0, 1.0), axis=-1)
