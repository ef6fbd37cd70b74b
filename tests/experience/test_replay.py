"""Replay: shares, priorities, sizes; the same contract in memory and through Reverb."""

import sys

import pytest
from support.learn_samples import episode

from muzero_rc.config.schema import ReplayConfig
from muzero_rc.experience.episode import DEMONSTRATION
from muzero_rc.experience.replay import AGENT, DEMONSTRATIONS, MemoryReplay, make_replay, split
from muzero_rc.utils.extras import MissingExtra

ENGINES = ("memory", "reverb")


@pytest.fixture(params=ENGINES)
def replay(request):
    if request.param == "reverb":
        pytest.importorskip("reverb")
    made = make_replay(ReplayConfig(engine=request.param, episodes=5, demonstration_share=0.25), seed=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({DEMONSTRATIONS: 3, AGENT: 3}, {DEMONSTRATIONS: 2, AGENT: 6}),
        ({DEMONSTRATIONS: 0, AGENT: 3}, {DEMONSTRATIONS: 0, AGENT: 8}),
        ({DEMONSTRATIONS: 3, AGENT: 0}, {DEMONSTRATIONS: 8, AGENT: 0}),
    ],
)
def test_an_empty_table_gives_nothing(sizes, expected):
    assert split(8, sizes, 0.25) == expected


def test_without_reverb_replay_is_in_memory_unless_reverb_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "reverb", None)
    assert isinstance(make_replay(ReplayConfig(), seed=1), MemoryReplay)
    with pytest.raises(MissingExtra, match=r"pip install 'muzero-rc\[reverb\]'"):
        make_replay(ReplayConfig(engine="reverb"), seed=1)


def test_nothing_to_learn_from():
    with pytest.raises(ValueError, match="no episode"):
        split(8, {DEMONSTRATIONS: 0, AGENT: 0}, 0.25)


def test_shares_and_priorities(replay):
    for name, priority in (("bad", 0.0001), ("good", 10.0)):
        replay.add(episode(f"demonstration-{name}", source=DEMONSTRATION), priority)
        replay.add(episode(f"agent-{name}"), priority)
    assert replay.sizes() == {DEMONSTRATIONS: 2, AGENT: 2}
    drawn = [one.uid for one in replay.sample(16)]
    assert drawn.count("demonstration-good") == 4 and drawn.count("agent-good") == 12


def test_the_agents_oldest_go_first_and_demonstrations_stay(replay):
    for i in range(8):
        replay.add(episode(f"agent-{i}"), 1.0)
        replay.add(episode(f"demonstration-{i}", source=DEMONSTRATION), 1.0)
    assert replay.sizes() == {DEMONSTRATIONS: 8, AGENT: 5}
    assert {one.uid for one in replay.sample(100)} & {f"agent-{i}" for i in range(3)} == set()


def test_an_episode_comes_back_whole(replay):
    given = episode("x", greedy=False)
    replay.add(given, 1.0)
    back = replay.sample(1)[0]
    assert (back.uid, back.greedy, back.outcome) == (given.uid, given.greedy, given.outcome)
    assert (back.records == given.records).all() and back.records.dtype == given.records.dtype


def test_the_same_seed_draws_the_same():
    drawn = []
    for _ in range(2):
        replay = MemoryReplay(ReplayConfig(), seed=7)
        for i in range(20):
            replay.add(episode(str(i)), 1.0 + i)
        drawn.append([one.uid for one in replay.sample(30)])
    assert drawn[0] == drawn[1]
