"""Gumbel MuZero over the learned model, by mctx.

There is no reward on the way and no discount: a state's value is what the two value heads say of the
end, weighed against the opponent. Nodes carry their depth, so that each step is told what the
schedule knows of the frame it leads to.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import mctx
import numpy as np

from muzero_rc.agent.networks import Networks
from muzero_rc.agent.two_hot import probability_above
from muzero_rc.config.schema import NetworkConfig, SearchConfig
from muzero_rc.types import Array, Params, Prediction


class Node(NamedTuple):
    """What the tree keeps of a state.

    Attributes:
      state: f4[B, d].
      depth: i4[B] steps from the root.
    """

    state: Array
    depth: Array


class Found(NamedTuple):
    """What a search says.

    Attributes:
      action: i4[B] to play.
      policy: f4[B, A] the improved policy, the target of the policy head.
      value: f4[B] of the root, in [-1, 1].
    """

    action: jax.Array
    policy: jax.Array
    value: jax.Array


Search = Callable[[Params, Array, Array, Array, Array, Array], Found]
"""(params, rng key, state f4[B, d], exo f4[B, D, F], opponent f4[B, 2], gumbel scale f4[]) -> Found"""


def chance_to_win(
    config: NetworkConfig, prediction: Prediction, opponent: Array, tolerance: float
) -> jax.Array:
    """f4[...]: probability of beating the opponent, as the value heads see it.

    Args:
      config: the bins of the heads.
      prediction: of a state.
      opponent: f4[..., 2] its average gain_db and overshoot.
      tolerance: overshoot below counts as none.

    Returns:
      P(fits) * P(gain is higher) against an opponent that fits, P(overshoot is smaller) against one
      that does not.
    """
    opponent = jnp.asarray(opponent)
    gain_db, overshoot = opponent[..., 0], opponent[..., 1]
    limit = jnp.log1p(jnp.maximum(overshoot, tolerance))
    keeps = 1.0 - probability_above(prediction.rate_logits, config.rate_limit, limit)
    looks_better = probability_above(prediction.gain_logits, config.gain_limit_db, gain_db)
    return keeps * jnp.where(overshoot > tolerance, 1.0, looks_better)


def value_of(config: NetworkConfig, prediction: Prediction, opponent: Array, tolerance: float) -> jax.Array:
    """f4[...]: expected score in [-1, 1]: the chance to win minus that to lose."""
    return 2.0 * chance_to_win(config, prediction, opponent, tolerance) - 1.0


def tie_break(config: NetworkConfig) -> Array:
    """f4[A]: so little that it only decides between equal logits, for the smaller offset to q_ref."""
    actions = np.abs(np.array(config.actions, np.float32))
    return -1e-4 * actions if config.action_mode == "relative" else 0.0 * actions


def make_search(
    networks: Networks, network: NetworkConfig, search: SearchConfig, *, depth: int, tolerance: float
) -> Search:
    """A jitted search; compiled once per batch size."""

    def recurrent(
        params: tuple[Params, Array, Array], rng_key: Array, action: Array, node: Node
    ) -> tuple[mctx.RecurrentFnOutput, Node]:
        del rng_key
        weights, exo, opponent = params
        known = jnp.take_along_axis(exo, jnp.minimum(node.depth, depth - 1)[:, None, None], axis=1)[:, 0]
        state = networks.dynamics(weights, node.state, action, known).state
        prediction = networks.predict(weights, state)
        zeros = jnp.zeros(action.shape[0])
        output = mctx.RecurrentFnOutput(
            reward=zeros,
            discount=zeros + 1.0,
            prior_logits=prediction.policy_logits,
            value=value_of(network, prediction, opponent, tolerance),
        )
        return output, Node(state, node.depth + 1)

    transform = functools.partial(
        mctx.qtransform_completed_by_mix_value, rescale_values=False, value_scale=search.value_scale
    )

    @jax.jit
    def run(
        params: Params, rng_key: Array, state: Array, exo: Array, opponent: Array, gumbel_scale: Array
    ) -> Found:
        prediction = networks.predict(params, state)
        root = mctx.RootFnOutput(
            prior_logits=prediction.policy_logits + tie_break(network),
            value=value_of(network, prediction, opponent, tolerance),
            embedding=Node(state, jnp.zeros(state.shape[0], jnp.int32)),
        )
        # mctx's types know no NamedTuples as parameters and embeddings.
        output: Any = mctx.gumbel_muzero_policy(
            cast(Any, (params, exo, opponent)),
            cast(Any, rng_key),
            root,
            cast(Any, recurrent),
            search.simulations,
            max_depth=depth,
            qtransform=transform,
            max_num_considered_actions=min(search.considered_actions, len(network.actions)),
            gumbel_scale=gumbel_scale,
        )
        value = output.search_tree.summary().value
        return Found(output.action, output.action_weights, value)

    return run
