"""Search against bandits whose best action is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muzero_rc.agent.networks import Networks
from muzero_rc.agent.search import Root, make_search
from muzero_rc.config.schema import NetworkConfig, SearchConfig
from muzero_rc.reward.self_competition import SelfCompetition
from muzero_rc.types import Forecast, Prediction, Transition

CONFIG = NetworkConfig(offsets=(-20, -10, 0, 10, 20), gain_bins=41, gain_limit=4.0)
SURE = 60.0  # a logit that leaves nothing to the others


def said(gain, log_rate):
    """A prediction that is sure of both figures, with a uniform policy."""
    gain, log_rate = jnp.asarray(gain, float), jnp.asarray(log_rate, float)

    def peak(x, bins, limit):
        place = jnp.round((jnp.clip(x, -limit, limit) + limit) * ((bins - 1) / (2 * limit)))
        return SURE * jax.nn.one_hot(place.astype(int), bins)

    return Prediction(
        jnp.zeros((*gain.shape, len(CONFIG.actions))),
        peak(gain, CONFIG.gain_bins, CONFIG.gain_limit),
        peak(log_rate, CONFIG.rate_bins, CONFIG.rate_limit),
    )


def bandit(gains, log_rates):
    """A model whose state is the sum of what its actions gave: gain in state[0], log rate in state[1]."""
    table = jnp.stack([jnp.asarray(gains, float), jnp.asarray(log_rates, float)], axis=-1)

    def predict(params, state, privileged):
        return said(state[..., 0], state[..., 1])

    def dynamics(params, state, action, exo, forecast):
        state = state + table[action] * exo[..., :1]  # exo[0]: whether there is a frame at all
        return Transition(state, state[..., 0], state[..., 0])

    return model_of(predict, dynamics)


def model_of(predict, dynamics):
    """Networks of which search uses these two."""
    return Networks(None, None, None, predict, dynamics, None, None, None)


def root_at(state, exo, opponent=(0.0, 0.0, 1)):
    """A root without forecasts and privileged inputs."""
    batch, depth = exo.shape[:2]
    zeros = jnp.zeros((batch, 1 + depth))
    forecast = Forecast(zeros, zeros, zeros, zeros.astype(int), zeros[..., None])
    opponents = jnp.tile(jnp.asarray(opponent, float), (batch, 1))
    return Root(state, exo, forecast, jnp.zeros((batch, 1)), opponents)


def searched(networks, opponent=(0.0, 0.0, 1), *, simulations=16, batch=4, exo=None, **options):
    sizes = SearchConfig(simulations=simulations, **options)
    search = make_search(networks, CONFIG, sizes, SelfCompetition(), depth=1, guarded=False)
    exo = jnp.ones((batch, 1, 3)) if exo is None else exo
    root = root_at(jnp.zeros((batch, 2)), exo, opponent)
    return search({}, jax.random.PRNGKey(3), root, jnp.float32(sizes.gumbel_scale))


@pytest.mark.parametrize("best", range(5))
def test_the_best_looking_action_that_fits_is_found(best):
    gains = np.full(5, -1.0)
    gains[best] = 1.0
    found = searched(bandit(gains, np.full(5, -0.1)))
    assert found.action.tolist() == [best] * 4
    assert (np.asarray(found.policy).argmax(axis=-1) == best).all()
    np.testing.assert_allclose(found.policy.sum(axis=-1), 1.0, rtol=1e-5)


def test_an_action_that_breaks_the_budget_is_not_worth_its_looks():
    found = searched(bandit([3.0, -1.0, 0.5, -1.0, 3.0], [0.2, -0.1, -0.1, -0.1, 0.2]))
    assert found.action.tolist() == [2] * 4


def test_against_an_opponent_over_the_target_the_smaller_overshoot_counts():
    found = searched(bandit([3.0, 3.0, 3.0, -3.0, 3.0], [0.3, 0.3, 0.3, 0.05, 0.3]), opponent=(0.0, 0.1, 1))
    assert found.action.tolist() == [3] * 4


def test_the_opponent_decides_what_is_worth_it():
    """Two actions beat the anchor, one of them also the stronger opponent."""
    gains = [0.6, -1.0, 1.4, -1.0, -1.0]
    weak = searched(bandit(gains, np.full(5, -0.1)), opponent=(0.0, 0.0, 1))
    strong = searched(bandit(gains, np.full(5, -0.1)), opponent=(1.0, 0.0, 1))
    assert np.asarray(weak.policy)[0, 0] > 10 * np.asarray(weak.policy)[0, 1]
    assert strong.action.tolist() == [2] * 4 and np.asarray(strong.policy)[0, 0] < 0.1
    assert (strong.divergence > 0.1).all() and strong.spread == pytest.approx(2.0, abs=0.01)


def test_nodes_read_the_schedule_of_their_own_row():
    exo = jnp.stack([jnp.ones((1, 3)), jnp.zeros((1, 3))])
    gains = [-1.0, -1.0, -1.0, -1.0, 1.0]
    found = searched(bandit(gains, np.full(5, -0.1)), batch=2, exo=exo)
    assert found.action[0] == 4
    np.testing.assert_allclose(found.policy[1], 0.2, atol=1e-3)  # no frame there: nothing matters


def test_small_differences_of_value_are_heard_as_mctx_means_it():
    """Rescaled: it matters how actions compare with each other, not how large their values are."""

    def chances(size):
        def predict(params, state, privileged):
            win = 0.5 + size * state[..., :1] / 40.0  # in [0.5 - size / 2, 0.5 + size / 2]
            gain = jnp.full((*state.shape[:-1], CONFIG.gain_bins), -SURE)
            gain = gain.at[..., -1].set(jnp.log(win[..., 0])).at[..., 0].set(jnp.log1p(-win[..., 0]))
            fits = SURE * jax.nn.one_hot(jnp.zeros(state.shape[:-1], int), CONFIG.rate_bins)
            return Prediction(jnp.zeros((*state.shape[:-1], len(CONFIG.actions))), gain, fits)

        def dynamics(params, state, action, exo, forecast):
            moved = state + jnp.asarray(CONFIG.actions, float)[action][..., None]
            return Transition(moved, moved[..., 0], moved[..., 0])

        return searched(model_of(predict, dynamics))

    loud, quiet = chances(0.8), chances(0.08)
    assert (loud.policy.argmax(axis=-1) == 4).all() and (quiet.policy.argmax(axis=-1) == 4).all()
    np.testing.assert_allclose(loud.policy, quiet.policy, atol=0.02)
    assert loud.spread == pytest.approx(1.6, abs=0.01) and quiet.spread == pytest.approx(0.16, abs=0.01)
