"""Layers that the networks share."""

import haiku as hk
import jax
import jax.numpy as jnp

from muzero_rc.types import Array


def normal(scale: float) -> hk.initializers.Initializer:
    """Normally distributed parameters of that standard deviation."""
    return hk.initializers.RandomNormal(scale)  # type: ignore[no-untyped-call]


class Weight(hk.Module):
    """One bare array of parameters."""

    def __call__(self, shape: tuple[int, ...], scale: float) -> jax.Array:
        """f4[shape], normal at first."""
        return hk.get_parameter("w", shape, init=normal(scale))


def linear(name: str, x: Array, width: int, *, bias: bool = True) -> jax.Array:
    """f4[..., width]: a linear layer."""
    return hk.Linear(width, with_bias=bias, name=name)(jnp.asarray(x))


def norm(name: str, x: Array) -> jax.Array:
    """Layer normalisation."""
    return hk.LayerNorm(axis=-1, create_scale=True, create_offset=True, name=name)(jnp.asarray(x))


def head(name: str, x: Array, width: int) -> jax.Array:
    """A linear layer that starts at zero: uniform policy, flat values."""
    return hk.Linear(width, w_init=jnp.zeros, name=name)(jnp.asarray(x))


def block(name: str, x: jax.Array, width: int) -> jax.Array:
    """A residual MLP."""
    hidden = jax.nn.relu(linear(f"{name}_in", norm(f"{name}_norm", x), 2 * width))
    return x + linear(f"{name}_out", hidden, width)
