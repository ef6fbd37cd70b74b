"""Gumbel MuZero over the learned model, by mctx.

There is no reward on the way and no discount: a state's value is the reward rule's expected score
under what the critic says is yet to come (value.py). Values are rescaled as mctx means them: to what the
considered actions span. Nodes carry their depth in decisions, so that each step is told what the schedule
knows of the frame that it leads to.
"""

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
from muzero_rc.types import Array, Forecast, Params


class Root(NamedTuple):
    """Where searches begin.

    Attributes:
      state: f4[B, d].
      exo: f4[B, D, F] what is known of the frames ahead.
      forecast: [B, 1 + D] of the frame itself and of them.
      privileged: f4[B, P] for the critic.
      opponent: f4[B, 3] the fields of `Opponent`, its worth less what has come already.
    """

    state: Array
    exo: Array
    forecast: Forecast
    privileged: Array
    opponent: Array


class Node(NamedTuple):
    """Embedding of a tree node.

    Attributes:
      state: f4[B, d].
      depth: i4[B] decisions from the root.
    """

    state: Array
    depth: Array


class Found(NamedTuple):
    """Result of a search.

    Attributes:
      action: i4[B] that exploration plays.
      policy: f4[B, A] the improved policy, the target of the policy head.
      value: f4[B] of the root, in [-1, 1].
      divergence: f4[B] KL of the improved policy from the prior, nats.
      spread: f4[B] between the best and the worst value of the actions that were tried.
    """

    action: jax.Array
    policy: jax.Array
    value: jax.Array
    divergence: jax.Array
    spread: jax.Array


Search = Callable[[Params, Array, Root, Array], Found]
"""(params, rng key, root, gumbel scale f4[]) -> Found"""


def tie_break(config: NetworkConfig) -> Array:
    """f4[A]: tiny logits that decide between equal ones, for the smaller offset to q_ref."""
    actions = np.abs(np.array(config.actions, np.float32))
    return -1e-4 * actions if config.action_mode == "relative" else 0.0 * actions


def make_search(
    networks: Networks,
    network: NetworkConfig,
    search: SearchConfig,
    rule: Rule,
    *,
    depth: int,
    guarded: bool,
) -> Search:
    """A jitted search; compiled once per batch size.

    Args:
      networks: predict and dynamics are used.
      network: actions and value bins.
      search: sizes.
      rule: the value of a state is its expected score.
      depth: decisions ahead at most; D of the root.
      guarded: the guard keeps the target whatever is played.
    """

    def recurrent(
        params: tuple[Params, Root], rng_key: Array, action: Array, node: Node
    ) -> tuple[mctx.RecurrentFnOutput, Node]:
        del rng_key
        weights, root = params
        known = at_depth(root.exo, jnp.minimum(node.depth, depth - 1))
        present = Forecast(*(at_depth(x, jnp.minimum(node.depth, depth)) for x in root.forecast))
        state = networks.dynamics(weights, node.state, action, known, present).state
        prediction = networks.predict(weights, state, root.privileged)
        zeros = jnp.zeros(action.shape[0])
        output = mctx.RecurrentFnOutput(
            reward=zeros,
            discount=zeros + 1.0,
            prior_logits=prediction.policy_logits,
            value=value_of(rule, network, prediction, root.opponent, guarded=guarded),
        )
        return output, Node(state, node.depth + 1)

    def transform(tree: Any, node_index: Any) -> Any:
        return mctx.qtransform_completed_by_mix_value(tree, node_index, value_scale=search.value_scale)

    @jax.jit
    def run(params: Params, rng_key: Array, root: Root, gumbel_scale: Array) -> Found:
        prediction = networks.predict(params, root.state, root.privileged)
        prior = prediction.policy_logits + tie_break(network)
        begin = mctx.RootFnOutput(
            prior_logits=prior,
            value=value_of(rule, network, prediction, root.opponent, guarded=guarded),
            embedding=Node(root.state, jnp.zeros(root.state.shape[0], jnp.int32)),
        )
        # mctx's types know no NamedTuples as parameters and embeddings.
        output: Any = mctx.gumbel_muzero_policy(
            cast(Any, (params, root)),
            cast(Any, rng_key),
            begin,
            cast(Any, recurrent),
            search.simulations,
            max_depth=depth,
            qtransform=transform,
            max_num_considered_actions=min(search.considered_actions, len(network.actions)),
            gumbel_scale=gumbel_scale,
        )
        summary, policy = output.search_tree.summary(), output.action_weights
        tried = summary.visit_counts > 0
        best = jnp.max(jnp.where(tried, summary.qvalues, -jnp.inf), axis=-1)
        worst = jnp.min(jnp.where(tried, summary.qvalues, jnp.inf), axis=-1)
        log_ratio = jnp.log(jnp.maximum(policy, 1e-12)) - jax.nn.log_softmax(prior)
        divergence = jnp.sum(policy * log_ratio, axis=-1)
        return Found(output.action, policy, summary.value, divergence, best - worst)

    return run


def at_depth(x: Array, depth: Array) -> Any:
    """f4[B, D, ...], i4[B] -> f4[B, ...]: each row at its own depth."""
    index = jnp.reshape(depth, (-1, *[1] * (x.ndim - 1)))
    return jnp.take_along_axis(jnp.asarray(x), index, axis=1)[:, 0]
