"""Assignments: groups of antithetic episodes at few targets; only what is played is prepared."""

from collections import Counter

import numpy as np
import pytest
from support.learn_samples import fake_engine, toy_config, toy_corpus

from encoder_bridge.encode.layouts import EVENT
from muzero_rc.acting.assignment import assign, noise_of
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.encoding.clip_store import ClipStore


@pytest.fixture
def store(tmp_path):
    toy_corpus(tmp_path / "corpus", 3)
    with ClipStore(
        fake_engine(), toy_config("actor.group=4", "actor.noise_range=2"), tmp_path / "cache"
    ) as one:
        one.all = one.instances(find_clips(tmp_path / "corpus"))
        yield one


def offsets(store, one):
    event = np.zeros((), EVENT)
    noise, drawn = noise_of(store.config.actor, one, 12), []
    for place in range(12):
        event["layer"], event["gop_index"], event["show_index"] = place % 3, place % 6, place
        drawn.append(noise.of(event))
    return np.array(drawn)


def test_a_group_is_one_without_noise_and_pairs_of_opposite_noise(store):
    group = [assign(store, store.all, store.config, number) for number in range(5)]
    assert len({(one.instance.name, one.target_kbps) for one in group}) == 1
    assert [one.greedy for one in group] == [True] + 4 * [False]
    quiet, *loud = (offsets(store, one) for one in group)
    assert not quiet.any() and all(one.any() for one in loud)
    assert (loud[0] == -loud[1]).all() and (loud[2] == -loud[3]).all()
    assert (loud[0] != loud[2]).any()
    assert assign(store, store.all, store.config, 3) == group[3]


def test_an_instance_has_few_targets_so_that_opponents_are_met_again(store):
    groups = [assign(store, store.all, store.config, 5 * number) for number in range(40)]
    met = Counter((one.instance.name, one.target_kbps) for one in groups)
    assert len(met) == 6 and min(met.values()) > 1


def test_only_what_is_played_is_prepared(store):
    """An actor elsewhere makes the anchors that it needs."""
    made = []
    prepared = store.prepared
    store.prepared = lambda some: made.extend(one.name for one in some) or prepared(some)
    played = {assign(store, store.all, store.config, number).instance.name for number in range(5)}
    assert made == list(played) and len(made) == 1


def test_an_instance_that_cannot_be_prepared_is_left_out(store):
    store.failures = {one.name: "broken" for one in store.all[1:]}
    names = {assign(store, store.all, store.config, 5 * n).instance.name for n in range(9)}
    assert names == {store.all[0].name}
    with pytest.raises(CorpusError, match="none of the 2 instances can be encoded"):
        assign(store, store.all[1:], store.config, 0)
