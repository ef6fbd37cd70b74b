"""Gumbel MuZero over the learned model, by mctx.

There is no reward on the way and no discount: a state's value is the reward rule's expected score
under what the two value heads say of the end (value.py). Nodes carry their depth, so that each step
is told what the schedule knows of the frame that it leads to.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import mctx
import numpy as np

from muzero_rc.agent.networks import Networks
from muzero_rc.agent.value import value_of
from muzero_rc.config.schema import NetworkConfig, SearchConfig
from muzero_rc.reward.rule import Rule
from muzero_rc.types import Array, Params


class Node(NamedTuple):
    """Embedding of a tree node.

    Attributes:
      state: f4[B, d].
      depth: i4[B] steps from the root.
    """

    state: Array
    depth: Array


class Found(NamedTuple):
    """Result of a search.

    Attributes:
      action: i4[B] to play.
      policy: f4[B, A] the improved policy, the target of the policy head.
      value: f4[B] of the root, in [-1, 1].
    """

    action: jax.Array
    policy: jax.Array
    value: jax.Array


Search = Callable[[Params, Array, Array, Array, Array, Array], Found]
"""(params, rng key, state f4[B, d], exo f4[B, D, F], opponent f4[B, 3], gumbel scale f4[]) -> Found"""


def tie_break(config: NetworkConfig) -> Array:
    """f4[A]: tiny logits that decide between equal ones, for the smaller offset to q_ref."""
    actions = np.abs(np.array(config.actions, np.float32))
    return -1e-4 * actions if config.action_mode == "relative" else 0.0 * actions


def make_search(
    networks: Networks, network: NetworkConfig, search: SearchConfig, rule: Rule, *, depth: int
) -> Search:
    """A jitted search; compiled once per batch size.

    Args:
      networks: predict and dynamics are used.
      network: actions and value bins.
      search: sizes.
      rule: the value of a state is its expected score.
      depth: steps ahead at most.
    """

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
            value=value_of(rule, network, prediction, opponent),
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
            value=value_of(rule, network, prediction, opponent),
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
