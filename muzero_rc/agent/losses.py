"""Losses of a batch: policy, value heads and model heads over K unrolled steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from muzero_rc.agent.batch import Batch
from muzero_rc.agent.networks import Networks, look_up
from muzero_rc.agent.two_hot import mean, two_hot
from muzero_rc.config.schema import Config
from muzero_rc.types import Array, Forecast, Params, Prediction

_STATE_GRADIENT = 0.5  # of what flows back through each dynamics step, as in MuZero


class Root(NamedTuple):
    """Root states of a batch's windows.

    Attributes:
      state: f4[B, W, d] at each window's first frame.
      exo: f4[B, W, K, F] what is known of the frames after it.
      forecast: [B, W, K+1] of it and of them.
    """

    state: jax.Array
    exo: jax.Array
    forecast: Forecast


def root_of(networks: Networks, params: Params, batch: Batch) -> Root:
    """Encodes each clip once and represents every window's first frame."""
    encoding = networks.encode_clip(params, batch.clip)
    state = networks.represent(params, look_up(encoding, batch.show_index), batch.step)
    forecast = networks.forecasts(batch.step, batch.schedule)
    return Root(state, networks.exogenous(encoding, batch.schedule), forecast)


def loss(
    networks: Networks, config: Config, params: Params, batch: Batch
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Computes the weighted loss and its parts.

    Returns:
      A scalar, and scalars to log: each part's mean over frames that count, the policy's entropy.
    """
    state, exo, forecast = root_of(networks, params, batch)
    unroll = batch.action.shape[-1]
    parts: dict[str, list[jax.Array]] = {"policy": [], "gain": [], "rate": [], "bits": [], "sse": []}
    entropy = jnp.zeros(())
    target = policy_target(config, batch)
    for k in range(unroll + 1):
        prediction = networks.predict(params, state, batch.privileged)
        exists = jnp.asarray(batch.exists)[:, :, k]
        cross_entropy = optax.softmax_cross_entropy(prediction.policy_logits, target[:, :, k])
        weight = jnp.asarray(batch.policy_weight)[:, :, k]
        parts["policy"].append(_weighted_mean(cross_entropy, weight))
        measured = exists * jnp.asarray(batch.measured)[:, None]
        for name, value in _value_losses(config, prediction, batch).items():
            parts[name].append(_weighted_mean(value, measured if name == "gain" else exists))
        if k == 0:
            entropy = _weighted_mean(_entropy(prediction.policy_logits), exists)
        if k < unroll:
            present = Forecast(*(jnp.asarray(x)[:, :, k] for x in forecast))
            transition = networks.dynamics(params, state, batch.action[:, :, k], exo[:, :, k], present)
            for name, said, true in (
                ("bits", transition.log_bits, batch.log_bits),
                ("sse", transition.log_sse, batch.log_sse),
            ):
                known = jnp.isfinite(true[:, :, k])  # libvpx does not tell the error of every hidden frame
                error = optax.huber_loss(said, jnp.where(known, true[:, :, k], 0.0))
                parts[name].append(_weighted_mean(error, exists * known))
            state = _scale_gradient(transition.state, _STATE_GRADIENT)
    means = {name: jnp.mean(jnp.stack(values)) for name, values in parts.items()}
    learner = config.learner
    total = (
        learner.policy_weight * means["policy"]
        + learner.value_weight * (means["gain"] + means["rate"])
        + learner.model_weight * (means["bits"] + means["sse"])
    )
    return total, {"loss": total, "entropy": entropy, **{f"loss_{k}": v for k, v in means.items()}}


def policy_target(config: Config, batch: Batch) -> jax.Array:
    """f4[B, W, K+1, A]: what was done, and where search was asked a share of what it would have done."""
    share = config.search.target_share * jnp.asarray(batch.follow_search)[:, None, None, None]
    return (1.0 - share) * jnp.asarray(batch.policy) + share * jnp.asarray(batch.searched)


def _value_losses(config: Config, prediction: Prediction, batch: Batch) -> dict[str, jax.Array]:
    """f4[B, W] each: cross-entropy of the critic with what is yet to come, of the rate head with the end."""
    network = config.network
    gain = two_hot(batch.worth, network.gain_bins, network.gain_limit)
    rate = two_hot(batch.log_rate, network.rate_bins, network.rate_limit)[:, None]
    return {
        "gain": optax.softmax_cross_entropy(prediction.gain_logits, gain),
        "rate": optax.softmax_cross_entropy(prediction.rate_logits, rate),
    }


def value_errors(config: Config, prediction: Prediction, batch: Batch) -> dict[str, jax.Array]:
    """Mean absolute errors of the heads' means at the windows' first frames."""
    worth = mean(prediction.gain_logits, config.network.gain_limit)
    measured = jnp.asarray(batch.measured)[:, None] * jnp.ones(worth.shape)
    log_rate = mean(prediction.rate_logits, config.network.rate_limit)
    return {
        "gain_error": _weighted_mean(jnp.abs(worth - jnp.asarray(batch.worth)), measured),
        "rate_error": jnp.mean(jnp.abs(log_rate - jnp.asarray(batch.log_rate)[:, None])),
    }


def _weighted_mean(x: Array, weight: Array) -> jax.Array:
    return jnp.sum(x * weight) / jnp.maximum(jnp.sum(weight), 1.0)


def _entropy(logits: Array) -> jax.Array:
    log_p = jax.nn.log_softmax(jnp.asarray(logits))
    return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)


def _scale_gradient(x: Array, scale: float) -> jax.Array:
    x = jnp.asarray(x)
    return x * scale + jax.lax.stop_gradient(x) * (1.0 - scale)
