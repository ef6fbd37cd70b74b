"""The rules of who wins: their whole truth tables, and what holds for any episode."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.reward.fixed import Fixed
from muzero_rc.reward.outcome import Opponent, Outcome
from muzero_rc.reward.paper import Paper
from muzero_rc.reward.rules import RULES, rule_of
from muzero_rc.reward.self_competition import SelfCompetition

WIN, LOSS, DRAW = 1.0, -1.0, 0.0
DEFAULT, PAPER, FIXED = SelfCompetition(), Paper(), Fixed()

# (episode's overshoot, opponent's overshoot, episode's gain minus the opponent's) -> score
SELF_COMPETITION_TABLE = [
    # both fit: who looks better
    (0.0, 0.0, 0.5, WIN),
    (0.0, 0.0, -0.5, LOSS),
    (0.0, 0.0, 0.009, DRAW),
    (0.0, 0.0, -0.009, DRAW),
    (0.0, 0.0, 0.0, DRAW),
    # an overshoot under the floor is none
    (0.0019, 0.0, 0.5, WIN),
    (0.0, 0.0019, -0.5, LOSS),
    (0.0019, 0.0001, 0.0, DRAW),
    # the episode breaks the constraint, the opponent does not: lost, however good it looks
    (0.002, 0.0, 9.0, LOSS),
    (0.1, 0.0019, 9.0, LOSS),
    # the opponent breaks it, the episode does not: won, however bad it looks
    (0.0, 0.002, -9.0, WIN),
    (0.0019, 0.1, -9.0, WIN),
    # both break it: who breaks it less
    (0.05, 0.1, -9.0, WIN),
    (0.1, 0.05, 9.0, LOSS),
    (0.1, 0.1, 9.0, DRAW),
]
PAPER_TABLE = [
    (0.0, 0.0, 0.001, WIN),
    (0.0, 0.0, -0.001, LOSS),
    (0.0, 0.0, 0.0, DRAW),
    (1e-6, 0.0, 9.0, LOSS),
    (0.0, 1e-6, -9.0, WIN),
    (0.05, 0.1, -9.0, WIN),
    (0.1, 0.05, 9.0, LOSS),
    (0.1, 0.1, 9.0, DRAW),
]


@pytest.mark.parametrize(("mine", "theirs", "difference_db", "expected"), SELF_COMPETITION_TABLE)
@pytest.mark.parametrize("rule", [DEFAULT, FIXED], ids=["self-competition", "fixed"])
def test_self_competition_truth_table(rule, mine, theirs, difference_db, expected):
    opponent = Opponent(gain_db=0.25, overshoot=theirs, episodes=3)
    assert rule.score(Outcome(0.25 + difference_db, mine), opponent) == expected


@pytest.mark.parametrize(("mine", "theirs", "difference_db", "expected"), PAPER_TABLE)
def test_paper_truth_table(mine, theirs, difference_db, expected):
    opponent = Opponent(gain_db=0.25, overshoot=theirs, episodes=3)
    assert PAPER.score(Outcome(0.25 + difference_db, mine), opponent) == expected


def test_the_first_opponent_is_the_anchor():
    assert DEFAULT.score(Outcome(0.02, 0.0), Opponent()) == WIN
    assert DEFAULT.score(Outcome(-0.02, 0.0), Opponent()) == LOSS


def test_the_papers_first_episode_has_no_opponent_and_becomes_it():
    first = Outcome(-3.0, 0.2)
    assert PAPER.score(first, Opponent()) == DRAW
    assert PAPER.advance(Opponent(), first) == Opponent(-3.0, 0.2, 1)


def test_averages_by_hand():
    opponent = DEFAULT.advance(Opponent(), Outcome(1.0, 0.0))
    assert opponent.gain_db == pytest.approx(0.1)
    over = DEFAULT.advance(opponent, Outcome(5.0, 0.5))  # does not fit: its gain stays out
    assert over.gain_db == pytest.approx(0.1)
    assert over.overshoot == pytest.approx(0.05)
    assert over.episodes == 2
    paper = PAPER.advance(Opponent(0.0, 0.0, 1), Outcome(5.0, 0.5))
    assert paper.gain_db == pytest.approx(0.5)


def test_the_default_forgives_an_old_overshoot_and_the_paper_never_does():
    """The hole in the literal rule: its average never gets back to zero."""
    for rule, forgiven in ((DEFAULT, True), (PAPER, False)):
        opponent = Opponent(0.0, 0.1, 1)
        for _ in range(60):
            opponent = rule.advance(opponent, Outcome(0.0, 0.0))
        looks_worse = rule.score(Outcome(-1.0, 0.0), opponent)
        assert looks_worse == (LOSS if forgiven else WIN)


gains = st.floats(-20, 20)
overshoots = st.one_of(st.just(0.0), st.floats(0, 3))
outcomes = st.builds(Outcome, gains, overshoots)
opponents = st.builds(Opponent, gains, overshoots, st.integers(1, 1000))
rules = st.sampled_from([kind() for kind in RULES.values()])


@given(outcomes, opponents, rules)
def test_scores_are_three_numbers(outcome, opponent, rule):
    assert rule.score(outcome, opponent) in (WIN, DRAW, LOSS)


@given(outcomes, outcomes, rules)
def test_changing_sides_changes_the_sign(a, b, rule):
    as_opponent = [Opponent(o.gain_db, o.overshoot, 1) for o in (a, b)]
    assert rule.score(a, as_opponent[1]) == -rule.score(b, as_opponent[0])


@given(outcomes, opponents, rules, st.floats(0, 5), st.floats(0, 1))
def test_better_in_both_respects_never_scores_less(outcome, opponent, rule, more_db, factor):
    better = Outcome(outcome.gain_db + more_db, outcome.overshoot * factor)
    assert rule.score(better, opponent) >= rule.score(outcome, opponent)


@given(opponents, outcomes, rules)
def test_averages_stay_between_old_and_new(opponent, outcome, rule):
    after = rule.advance(opponent, outcome)
    for old, new, now in itertools.starmap(
        lambda name: (getattr(opponent, name), getattr(outcome, name), getattr(after, name)),
        [("gain_db",), ("overshoot",)],
    ):
        assert min(old, new) - 1e-9 <= now <= max(old, new) + 1e-9


@given(st.lists(outcomes, max_size=5))
def test_a_fixed_opponent_stays_the_anchor(episodes):
    opponent = Opponent()
    for outcome in episodes:
        opponent = FIXED.advance(opponent, outcome)
    assert opponent == Opponent()


def test_a_runs_rule_has_its_tolerances_and_the_papers_has_none():
    changes = ("reward.decay=0.5", "reward.overshoot_tolerance=0.1", "reward.draw_db=1")
    built = {name: rule_of(override(Config(), (*changes, f"reward.rule={name}")).reward) for name in RULES}
    assert built == {
        "self-competition": SelfCompetition(0.5, 0.1, 1.0),
        "paper": Paper(0.5),
        "fixed": Fixed(0.5, 0.1, 1.0),
    }
    assert rule_of(Config().reward) == SelfCompetition()
    assert PAPER.per_target and not DEFAULT.per_target
