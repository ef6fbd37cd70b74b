"""The learner: gradient step, optimiser, and reanalysis of old windows."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from muzero_rc.agent.batch import Batch
from muzero_rc.agent.losses import loss, root_of, value_errors
from muzero_rc.agent.networks import Networks
from muzero_rc.agent.search import Root as SearchRoot
from muzero_rc.agent.search import make_search
from muzero_rc.config.schema import Config
from muzero_rc.reward.rules import rule_of
from muzero_rc.types import Array, Params


class TrainingState(NamedTuple):
    """State of the learner: what a step reads and writes.

    Attributes:
      params: of the network.
      average: moving average of them; what acts, is validated and is exported.
      optimiser: of optax.
      step: i4[] gradient steps so far.
      rng_key: consumed by reanalyse.
    """

    params: Params
    average: Params
    optimiser: optax.OptState
    step: Array
    rng_key: Array


class Learner(NamedTuple):
    """The learner's pure functions.

    Attributes:
      init: rng key -> state.
      step: (state, batch) -> state, scalars to log.
      reanalysed: (state, batch) -> the batch with fresh search policies at the windows' first frames,
        and scalars to log: how far they are from the prior, and how far apart the actions' values.
    """

    init: Callable[[Array], TrainingState]
    step: Callable[[TrainingState, Batch], tuple[TrainingState, dict[str, Array]]]
    reanalysed: Callable[[TrainingState, Batch], tuple[Batch, dict[str, Array]]]


def make_optimiser(config: Config) -> optax.GradientTransformation:
    """AdamW with warm-up; the rate falls over the imitation steps to that of self-play and stays there."""
    learner, steps = config.learner, config.imitation.steps
    warmup = max(1, learner.warmup_steps)
    last = learner.selfplay_learning_rate
    if steps > warmup:
        schedule = optax.warmup_cosine_decay_schedule(0.0, learner.learning_rate, warmup, steps, last)
    else:
        schedule = optax.linear_schedule(0.0, last, warmup)
    return optax.chain(
        optax.clip_by_global_norm(learner.gradient_clip),
        optax.adamw(schedule, weight_decay=learner.weight_decay),
    )


def make_learner(config: Config, networks: Networks) -> Learner:
    """The training functions of a config."""
    optimiser = make_optimiser(config)
    search = make_search(
        networks,
        config.network,
        config.search,
        rule_of(config.reward),
        depth=config.learner.unroll_steps,
        guarded=config.encode.guard,
    )
    average_decay = config.learner.average_decay

    def init(rng_key: Array) -> TrainingState:
        params = networks.init(rng_key)
        average = jax.tree_util.tree_map(jnp.array, params)
        return TrainingState(params, average, optimiser.init(params), jnp.zeros((), jnp.int32), rng_key)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state: TrainingState, batch: Batch) -> tuple[TrainingState, dict[str, Array]]:
        gradients, logs = jax.grad(functools.partial(loss, networks, config), has_aux=True)(
            state.params, batch
        )
        updates, moved = optimiser.update(gradients, state.optimiser, state.params)
        params = optax.apply_updates(state.params, updates)
        decay = jnp.minimum(average_decay, (1.0 + state.step) / (10.0 + state.step))
        average = optax.incremental_update(params, state.average, 1.0 - decay)
        root = root_of(networks, state.params, batch)
        prediction = networks.predict(state.params, root.state, batch.privileged)
        logs |= value_errors(config, prediction, batch)
        logs["gradient_norm"] = optax.global_norm(gradients)
        return TrainingState(params, average, moved, state.step + 1, state.rng_key), logs

    @jax.jit
    def policies(state: TrainingState, batch: Batch) -> tuple[jax.Array, dict[str, Array]]:
        root, windows = root_of(networks, state.average, batch), batch.running.shape[1]
        opponent = jnp.repeat(jnp.asarray(batch.opponent)[:, None], windows, axis=1)
        opponent = opponent.at[..., 0].add(-jnp.asarray(batch.running))
        begin = SearchRoot(root.state, root.exo, root.forecast, batch.privileged, opponent)
        flat = jax.tree_util.tree_map(lambda x: jnp.reshape(x, (-1, *jnp.shape(x)[2:])), begin)
        key = jax.random.fold_in(state.rng_key, state.step)
        found = search(state.average, key, flat, jnp.float32(0.0))
        logs: dict[str, Array] = {
            "search_kl": jnp.mean(found.divergence),
            "search_q_spread": jnp.mean(found.spread),
        }
        return found.policy.reshape(*root.state.shape[:2], -1), logs

    def reanalysed(state: TrainingState, batch: Batch) -> tuple[Batch, dict[str, Array]]:
        fresh, logs = policies(state, batch)
        again = jnp.asarray(batch.follow_search)[:, None, None] > 0
        searched = jnp.asarray(batch.searched)
        first = jnp.where(again, fresh, searched[:, :, 0])
        return batch._replace(searched=searched.at[:, :, 0].set(first)), logs

    return Learner(init, step, reanalysed)
