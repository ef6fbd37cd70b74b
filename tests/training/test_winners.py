"""Self-play learns from outcomes: a winner moves the policy, a loser does not."""

import jax
import numpy as np
import pytest
from support.learn_samples import fake_engine, toy_config, toy_corpus

from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import assign, group_size
from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import make_networks
from muzero_rc.corpus.clips import find_clips
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import SELFPLAY
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.sampler import BatchSampler
from muzero_rc.reward.rules import rule_of


class One:
    """A replay of a single episode at a time."""

    def __init__(self):
        self.episodes = []

    def add(self, episode, priority):
        self.episodes.append(episode)

    def sample(self, count):
        return [self.chosen] * count


@pytest.mark.parametrize("search", ["true", "false"])
def test_a_winner_moves_the_policy_and_a_loser_does_not(tmp_path, search):
    """Under the shipped recipe's imitation of optima alone, with search and without."""
    toy_corpus(tmp_path / "corpus", 1)
    config = toy_config(
        f"search.enabled={search}",
        "imitation.against=optimum",
        "actor.group=4",
        "learner.value_weight=0",
        "learner.model_weight=0",
        "learner.weight_decay=0",
        "learner.warmup_steps=0",
    )
    with ClipStore(fake_engine(), config, tmp_path / "cache") as store:
        instances = store.instances(find_clips(tmp_path / "corpus"))
        ingest = Ingest(store, One(), Opponents(rule_of(config.reward)))
        networks = make_networks(config.network, store.engine.widths)
        learner = make_learner(config, networks)
        actor = Actor(store, networks, config, ingest.schedules, ingest.pairs)
        actor.set_weights(learner.init(jax.random.PRNGKey(0)).average, 0)
        work = (assign(store, instances, config, n) for n in range(group_size(config.actor)))
        ingest.add_all(actor.play(work, ingest.opponents, ""))
        ranked = sorted(ingest.replay.episodes, key=ingest.score)
        assert len(ranked) == 5 and all(one.source == SELFPLAY for one in ranked)
        assert ingest.score(ranked[0]) < 0 < ingest.score(ranked[-1])
        moved = []
        for episode in (ranked[0], ranked[-1]):
            ingest.replay.chosen = episode
            state = learner.init(jax.random.PRNGKey(0))
            before = np.array(state.params["policy_logits"]["b"])  # a copy: a step gives its memory away
            batch = BatchSampler(ingest, config, 1).draw()
            for _ in range(2):  # the first step's rate is 0
                state, _ = learner.step(state, batch)
            moved.append(float(np.abs(np.asarray(state.params["policy_logits"]["b"]) - before).max()))
    assert moved[0] == 0.0 and moved[1] > 1e-4
