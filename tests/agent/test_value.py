"""The value in search: what the reward rule says, wherever the heads are sure enough to say it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from muzero_rc.agent.value import value_of
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.reward.lagrangian import Lagrangian
from muzero_rc.reward.outcome import Opponent, Outcome
from muzero_rc.reward.rules import RULES
from muzero_rc.reward.self_competition import SelfCompetition
from muzero_rc.types import Prediction

CONFIG = NetworkConfig(gain_bins=401, gain_limit=4.0, rate_bins=401)
WORTHS = np.linspace(-CONFIG.gain_limit, CONFIG.gain_limit, CONFIG.gain_bins)
LOG_RATES = np.linspace(-CONFIG.rate_limit, CONFIG.rate_limit, CONFIG.rate_bins)
SURE = 60.0  # a logit that leaves nothing to the others
BIN_WORTH, BIN_LOG_RATE = WORTHS[1] - WORTHS[0], LOG_RATES[1] - LOG_RATES[0]
ALL_RULES = [kind() for kind in RULES.values()]
COMPARING = [rule for rule in ALL_RULES if rule.name != "lagrangian"]

SOME_OPPONENTS = [Opponent(), *(Opponent(0.0, overshoot, 3) for overshoot in (0.0, 0.001, 0.1))]

bins = st.integers(1, 399)
# Figures that single precision holds: search knows no others.
overshoots = st.one_of(
    st.sampled_from([0.0, 0.001, 0.0021, 0.01]), st.floats(0, 0.5, width=32, allow_subnormal=False)
)
opponents = st.builds(
    Opponent, st.floats(-3.75, 3.75, width=32, allow_subnormal=False), overshoots, st.integers(0, 50)
)


def sure(gain_bin, rate_bin):
    """A prediction of one bin each."""
    return Prediction(
        policy_logits=jnp.zeros(1),
        gain_logits=SURE * jax.nn.one_hot(gain_bin, CONFIG.gain_bins),
        rate_logits=SURE * jax.nn.one_hot(rate_bin, CONFIG.rate_bins),
    )


def unsure(seed, sharpness=1.0):
    """A prediction of anything."""
    rng = np.random.default_rng(seed)
    return Prediction(
        policy_logits=np.zeros(1),
        gain_logits=sharpness * rng.normal(size=CONFIG.gain_bins),
        rate_logits=sharpness * rng.normal(size=CONFIG.rate_bins),
    )


def value(rule, prediction, opponent):
    return float(value_of(rule, CONFIG, prediction, np.array(opponent, np.float32), guarded=False))


def scores_of_the_bin(rule, gain_bin, rate_bin, opponent):
    """The rule's scores of outcomes at a bin's middle and edges; where they differ no one is right."""
    return {
        rule.score(Outcome(0.0, max(0.0, np.expm1(log_rate)), gain=worth, quality=worth), opponent)
        for worth in WORTHS[gain_bin] + 0.51 * BIN_WORTH * np.array([-1, 0, 1])
        for log_rate in LOG_RATES[rate_bin] + 0.51 * BIN_LOG_RATE * np.array([-1, 0, 1])
    }


def differs_somewhere(rule):
    """Whether the value of sure heads and the rule's score differ anywhere on a grid of cases."""
    for gain_bin in (150, 196, 199, 201, 204, 250):
        for rate_bin in (150, 198, 203, 220, 260):
            for opponent in (
                Opponent(0.0, 0.0, 3),
                Opponent(0.0, 0.1, 3),
                Opponent(),
                Opponent(0.0, 0.001, 3),
            ):
                scores = scores_of_the_bin(rule, gain_bin, rate_bin, opponent)
                said = value(rule, sure(gain_bin, rate_bin), opponent)
                if len(scores) == 1 and abs(said - scores.pop()) > 1e-3:
                    return True
    return False


@pytest.mark.parametrize("rule", COMPARING, ids=lambda rule: rule.name)
@given(bins, bins, opponents)
def test_where_the_heads_are_sure_the_value_is_the_score(rule, gain_bin, rate_bin, opponent):
    scores = scores_of_the_bin(rule, gain_bin, rate_bin, opponent)
    assume(len(scores) == 1)
    assert value(rule, sure(gain_bin, rate_bin), opponent) == pytest.approx(scores.pop(), abs=1e-3)


@pytest.mark.parametrize("rule", COMPARING, ids=lambda rule: rule.name)
def test_on_a_grid_the_value_is_the_score(rule):
    assert not differs_somewhere(rule)


def test_a_rule_that_scores_otherwise_than_it_expects_is_caught():
    @dataclasses.dataclass(frozen=True)
    class ForgivesHalf(SelfCompetition):
        def score(self, outcome, opponent):
            return super().score(dataclasses.replace(outcome, overshoot=outcome.overshoot / 2), opponent)

    @dataclasses.dataclass(frozen=True)
    class ForgetsDraws(SelfCompetition):
        def expected_score(self, outlook, opponent):
            return dataclasses.replace(SelfCompetition(), draw=0.0).expected_score(outlook, opponent)

        def score(self, outcome, opponent):
            return SelfCompetition(draw=0.5).score(outcome, opponent)

    assert differs_somewhere(ForgivesHalf()) and differs_somewhere(ForgetsDraws())


@given(bins, st.integers(1, 230), opponents)
def test_a_lagrangians_value_of_sure_heads_is_its_score(gain_bin, rate_bin, opponent):
    rule = Lagrangian(whole=100.0)
    worth, overshoot = WORTHS[gain_bin], max(0.0, np.expm1(LOG_RATES[rate_bin]))
    score = rule.score(Outcome(0.0, overshoot, quality=worth), opponent)
    assert value(rule, sure(gain_bin, rate_bin), opponent) == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("rule", [*COMPARING, Lagrangian(whole=1000.0)], ids=lambda rule: rule.name)
@given(st.tuples(bins, bins), st.tuples(bins, bins), opponents)
def test_the_value_of_unsure_heads_is_the_mean_over_what_may_happen(rule, gain_bins, rate_bins, opponent):
    each = [value(rule, sure(g, r), opponent) for g in gain_bins for r in rate_bins]
    either = Prediction(
        jnp.zeros(1),
        jnp.logaddexp(*(sure(g, 0).gain_logits for g in gain_bins)),
        jnp.logaddexp(*(sure(0, r).rate_logits for r in rate_bins)),
    )
    assert value(rule, either, opponent) == pytest.approx(np.mean(each), abs=1e-3)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
@given(st.integers(0, 2**31 - 1), opponents, st.floats(0.1, 1.0))
def test_a_stronger_opponent_is_never_easier(rule, seed, opponent, more):
    prediction = unsure(seed, sharpness=3.0)
    stronger = opponent._replace(worth=opponent.worth + more)
    weak, strong = value(rule, prediction, opponent), value(rule, prediction, stronger)
    assert -1.0 - 1e-5 <= strong <= weak + 1e-5 <= 1.0 + 2e-5


def test_the_papers_first_episode_is_worth_nothing_in_search_either():
    assert value(RULES["paper"](), sure(300, 100), Opponent()) == 0.0
    assert value(RULES["paper"](), sure(300, 100), Opponent(episodes=1)) == pytest.approx(1.0, abs=1e-3)


def test_the_papers_rule_tolerates_no_overshoot_in_search_either():
    barely_over = 201  # log rate 0.0025, cut by no tolerance of the paper's
    above = Prediction(jnp.zeros(1), sure(300, 0).gain_logits, sure(0, barely_over).rate_logits)
    assert value(RULES["paper"](), above, Opponent(episodes=1)) == pytest.approx(-1.0, abs=1e-3)
    assert value(SelfCompetition(overshoot_floor=0.01), above, Opponent()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_under_the_guard_what_the_rate_head_fears_does_not_count(rule):
    """It used to say 0.88 where the guard makes it 1."""
    afraid, calm = sure(300, 380), sure(300, 0)
    for opponent in (Opponent(0.0, 0.0, 3), Opponent(0.0, 0.1, 3), Opponent(3.5, 0.0, 3)):
        met = np.array(opponent, np.float32)
        guarded = [float(value_of(rule, CONFIG, x, met, guarded=True)) for x in (afraid, calm)]
        assert guarded[0] == guarded[1] == pytest.approx(value(rule, calm, opponent), abs=1e-3)
