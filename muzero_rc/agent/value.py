"""The value in search: the reward rule's expected score under what critic and rate head say."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from muzero_rc.agent.two_hot import centres, mean, probability_above
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.reward.outcome import Opponent, Outlook
from muzero_rc.reward.rule import Rule
from muzero_rc.types import Array, Prediction


class WorthDistribution(NamedTuple):
    """The categorical distribution of the worth that is yet to come (`reward.outcome.Figure`).

    Attributes:
      logits: f4[..., bins].
      limit: the bins lie from -limit to +limit, in per cent of rate.
    """

    logits: Array
    limit: float

    def above(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: P(worth - reference > by)."""
        return probability_above(self.logits, self.limit, jnp.asarray(reference) + by)

    def below(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: P(reference - worth > by)."""
        return 1.0 - probability_above(self.logits, self.limit, jnp.asarray(reference) - by)

    def mean(self) -> jax.Array:
        """f4[...]."""
        return mean(self.logits, self.limit)


class OvershootDistribution(NamedTuple):
    """The distribution of max(0, rate / target - 1), from that of log(rate / target).

    Attributes:
      logits: f4[..., bins] of log(rate / target).
      limit: the bins lie from -limit to +limit; an overshoot beyond cannot be told from the limit.
    """

    logits: Array
    limit: float

    def above(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: P(overshoot - reference > by)."""
        threshold = jnp.asarray(reference) + by
        chance = probability_above(self.logits, self.limit, jnp.log1p(jnp.maximum(threshold, 0.0)))
        return jnp.where(threshold < 0.0, 1.0, chance)

    def below(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: P(reference - overshoot > by)."""
        threshold = jnp.asarray(reference) - by
        chance = 1.0 - probability_above(self.logits, self.limit, jnp.log1p(jnp.maximum(threshold, 0.0)))
        return jnp.where(threshold > 0.0, chance, 0.0)

    def mean(self) -> jax.Array:
        """f4[...]."""
        overshoots = jnp.maximum(jnp.expm1(centres(self.logits.shape[-1], self.limit)), 0.0)
        return jax.nn.softmax(jnp.asarray(self.logits), axis=-1) @ overshoots


class Kept:
    """The overshoot where the guard keeps the target: none, for certain."""

    def above(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: whether 0 - reference > by."""
        return jnp.where(jnp.asarray(reference) + by < 0.0, 1.0, 0.0)

    def below(self, reference: Array, by: float = 0.0) -> jax.Array:
        """f4[...]: whether reference - 0 > by."""
        return jnp.where(jnp.asarray(reference) - by > 0.0, 1.0, 0.0)

    def mean(self) -> float:
        """None."""
        return 0.0


def value_of(
    rule: Rule, config: NetworkConfig, prediction: Prediction, opponent: Array, *, guarded: bool
) -> jax.Array:
    """f4[...]: the rule's expected score in [-1, 1], as the network sees the end.

    Args:
      rule: compares.
      config: the bins of the heads.
      prediction: of a state.
      opponent: f4[..., 3] the fields of `Opponent`, its worth less what has come already.
      guarded: the guard keeps the target, so that what the rate head says of it is left out.
    """
    overshoot = Kept() if guarded else OvershootDistribution(prediction.rate_logits, config.rate_limit)
    outlook = Outlook(WorthDistribution(prediction.gain_logits, config.gain_limit), overshoot)
    met = Opponent(*jnp.moveaxis(jnp.asarray(opponent), -1, 0))
    return jnp.asarray(rule.expected_score(outlook, met))
