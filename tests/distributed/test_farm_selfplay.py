"""Self-play on a farm: a round is what its groups are, wherever they are played."""

import pickle
from dataclasses import replace

import jax
import pytest
from support.learn_samples import toy_config, toy_corpus

from muzero_rc.agent.networks import make_networks
from muzero_rc.corpus.clips import find_clips
from muzero_rc.distributed.farm_selfplay import FarmEpisodes
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.farm import LocalFarm, Shared
from muzero_rc.experience.episode import PAIRED, SELFPLAY, to_bytes
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import make_replay
from muzero_rc.reward.rules import rule_of


class PicklingFarm(LocalFarm):
    """One slot whose calls get copies of their arguments and give copies, as in another process."""

    remote = True

    def __init__(self):
        super().__init__(1)
        self.calls = 0

    def submit(self, function, *args):
        """See `Farm.submit`."""
        self.calls += 1
        engine, *rest = (arg.value if isinstance(arg, Shared) else arg for arg in args)
        # The engine holds a module, which is not for pickle alone.
        return super().submit(_copied, function, engine, pickle.dumps(rest))


def _copied(function, engine, rest):
    return pickle.loads(pickle.dumps(function(engine, *pickle.loads(rest))))


@pytest.fixture
def a_round(tmp_path):
    """Plays one round on a new farm; returns its episodes and the farm."""
    toy_corpus(tmp_path / "corpus", 1)
    config = toy_config("actor.round_episodes=5", "actor.group=4", "search.simulations=2")

    def run():
        engine, farm = libvpx_engine(), PicklingFarm()
        with ClipStore(engine, config, tmp_path / "cache", farm) as store:
            instances = store.instances(find_clips(tmp_path / "corpus"))
            ingest = Ingest(store, make_replay(config.replay, 1), Opponents(rule_of(config.reward)))
            networks = make_networks(config.network, engine.widths)
            params = jax.jit(networks.init)(jax.random.PRNGKey(1))
            source = FarmEpisodes(store, instances, config, "c0ffee")
            played = []
            for episode in source.play(params, 3, ingest):
                ingest.add(episode)
                played.append(episode)
            farm.close()
            return played, ingest, farm, store.failures

    return run


@pytest.mark.slow  # JAX compiles
def test_a_round_is_played_in_groups_and_comes_out_the_same_again(a_round):
    played, ingest, farm, failures = a_round()
    assert failures == {}
    assert [one.source for one in played] == [PAIRED] + 5 * [SELFPLAY]
    assert sorted(one.index for one in played[1:]) == list(range(5))
    assert {(one.step, one.config_hash) for one in played[1:]} == {(3, "c0ffee")}
    assert (ingest.episodes, ingest.numbers, farm.calls) == (5, 5, 1)
    assert len({one.records["qindex"].tobytes() for one in played[1:]}) > 1  # they were explored
    again, *_ = a_round()

    def alone(episodes):  # but for the time that it took
        return sorted(to_bytes(replace(one, encode_s=0.0)) for one in episodes)

    assert alone(again) == alone(played)
