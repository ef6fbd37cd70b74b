"""Self-play is measured against paired encodes, meets opponents and competes in groups."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from support.learn_samples import episode, toy_config

from muzero_rc.corpus.anchor import anchor_of
from muzero_rc.experience.episode import DEMONSTRATION, PAIRED
from muzero_rc.experience.groups import Groups
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import PairedEncodes, is_controllers
from muzero_rc.reward.outcome import Opponent, Outcome
from muzero_rc.reward.paper import Paper
from muzero_rc.reward.self_competition import SelfCompetition

ANCHOR = anchor_of([(50.0, 34.0), (100.0, 38.0), (200.0, 42.0)])
SLOPE_DB = ANCHOR.slope_db(100.0)


class Kept:
    """A replay that only remembers."""

    def __init__(self):
        self.episodes = []

    def add(self, one, priority):
        self.episodes.append(one)


def ingest_of(rule=None):
    store = SimpleNamespace(anchor=lambda _: ANCHOR, knows=lambda _: True, config=toy_config())
    return Ingest(store, Kept(), Opponents(rule or SelfCompetition()))


def paired(target=100, rate=99.0, psnr=38.0, **changes):
    name = f"pair {changes.get('instance', '')} {target}"
    return episode(
        name, source=PAIRED, kind="controller", target_kbps=target, rate_kbps=rate, psnr_y_db=psnr, **changes
    )


def played(uid, percent, target=100, rate=99.0, **changes):
    """Self-play that gains so much over `paired()`, at the paired rate."""
    psnr = 38.0 + percent / 100.0 * SLOPE_DB
    return episode(uid, target_kbps=target, rate_kbps=rate, psnr_y_db=psnr, **changes)


def test_an_opponent_belongs_to_an_instance_and_a_target():
    ingest = ingest_of()
    for target in (100, 60):
        ingest.add(paired(target))
    ingest.add(paired(100, instance="clip"))
    ingest.add(played("a", 4.0))
    ingest.add(played("b", 2.0))
    ingest.add(played("loud", 50.0, greedy=False))
    worths = {key: one.worth for key, one in ingest.opponents.table.items()}
    assert worths == {"clip+mirror@100": pytest.approx(3.0), "clip+mirror@60": 0.0, "clip@100": 0.0}


def test_the_first_opponent_is_the_controllers_own_encode_of_that_target():
    ingest = ingest_of()
    over = Outcome(0.0, 0.03)
    ingest.add(paired(100, rate=103.0, outcome=over))
    assert ingest.opponents.of("clip+mirror", 100) == Opponent(0.0, 0.03, 0)


def test_the_gain_is_measured_at_the_rate_achieved():
    """Fewer bits for what they are worth are no loss; the constraint is beside it."""
    ingest = ingest_of()
    ingest.add(paired())
    ingest.add(played("a", 0.0, rate=90.0))
    ingest.add(played("b", 0.0, rate=101.0, outcome=Outcome(0.0, 0.01)))
    thrifty, over = (one.outcome for one in ingest.replay.episodes)
    assert thrifty.gain == pytest.approx(9.53, abs=0.01) and thrifty.unused == pytest.approx(0.09)
    assert ingest.opponents.rule.score(over, Opponent()) == -1.0


def test_an_episode_waits_for_its_paired_encode():
    ingest = ingest_of()
    early = played("early", 4.0)
    ingest.add(early)
    assert ingest.episodes == 1 and ingest.has(early) and not ingest.replay.episodes
    ingest.add(paired())
    ingest.add(paired())
    (measured,) = ingest.replay.episodes
    assert measured.outcome.gain == pytest.approx(4.0)
    assert ingest.opponents.of("clip+mirror", 100).episodes == 1


def test_scores_in_a_group_by_hand():
    groups = Groups(SelfCompetition())
    gains = {"a": 0.0, "b": 1.0, "c": 1.05, "d": 3.0}
    group = {uid: episode(uid, outcome=Outcome(0.0, 0.0, gain=x)) for uid, x in gains.items()}
    over = episode("over", outcome=Outcome(0.0, 0.1, gain=9.0))
    other = [episode("newer", step=8), episode("elsewhere", target_kbps=50)]
    for one in (*group.values(), over, *other):
        groups.add(one)
    scores = {uid: groups.score(one) for uid, one in group.items()}
    assert scores == {"a": -0.5, "b": 0.25, "c": 0.25, "d": 1.0}  # b and c: a draw
    assert groups.score(over) == -1.0
    assert [groups.score(one) for one in other] == [None, None]


def test_without_a_group_the_opponent_decides():
    ingest = ingest_of()
    ingest.add(paired())
    alone = played("alone", 2.0, greedy=False)
    ingest.add(alone)
    assert ingest.score(ingest.pairs.paired(alone)) == 1.0


def test_the_papers_rule_is_by_video_and_target_too():
    ingest = ingest_of(Paper())
    ingest.add(paired())
    ingest.add(played("a", 2.0, rate=50.0))
    assert ingest.opponents.of("clip+mirror", 100).worth == pytest.approx(2.0)  # PSNR alone
    assert ingest.opponents.of("clip+mirror", 60) == Opponent()


def test_which_episodes_are_the_controllers_own():
    base = episode(source=DEMONSTRATION, kind="alt-ref-sweep", index=0)
    assert is_controllers(base) and is_controllers(paired())
    assert not is_controllers(replace(base, index=1)) and not is_controllers(episode())
    centre = episode(source=DEMONSTRATION, kind="perturbed-controller", index=9)
    assert is_controllers(centre) and not is_controllers(replace(centre, greedy=False))


def test_a_slope_that_is_none_is_bounded():
    flat = anchor_of([(50.0, 34.0), (100.0, 34.1), (200.0, 34.2)])
    pairs = PairedEncodes(lambda _: flat)
    pairs.add(paired())
    assert pairs.of("clip+mirror", 100).slope_db == 1.0
