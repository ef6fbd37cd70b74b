"""Samples batches: episodes from replay are relabelled, turned into traces and cut into windows."""

import random
from collections import OrderedDict

import numpy as np

from muzero_rc.agent.batch import Batch, Sample, Trace, make_batch
from muzero_rc.config.schema import Config
from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.experience.featurize import clip_features, trace_of
from muzero_rc.experience.hindsight import draw_target, imitation_weight, relabelled, selfplay_weight
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.paired import PairedEncode

_KEPT_TRACES = 6000


class BatchSampler:
    """Draws batches; traces are kept, the least recently used go first."""

    def __init__(
        self,
        ingest: Ingest,
        config: Config,
        seed: int,
    ) -> None:
        """Prepares to draw.

        Args:
          ingest: of the run: its store gives features and traces, its replay episodes; scores and
            opponents are read at each draw.
          config: of the run.
          seed: of all draws.
        """
        self._store = ingest.store
        self._ingest = ingest
        self._config = config
        self._random = random.Random(seed)
        self._rng = np.random.default_rng(seed)
        self._ages: list[int] = []
        self._traces: OrderedDict[tuple[str, int, bool], Trace] = OrderedDict()

    def draw(self) -> Batch:
        """Draws the next batch."""
        learner = self._config.learner
        samples = [self._sample(episode) for episode in self._ingest.replay.sample(learner.batch_size)]
        return make_batch(
            samples,
            self._config.network,
            windows=learner.windows,
            unroll=learner.unroll_steps,
            true_schedule_share=learner.true_schedule_share,
            bits_share=learner.bits_share,
            rng=self._rng,
        )

    def age(self, step: int) -> float:
        """Learner steps between playing and learning: mean of self-play drawn since the last call; or NaN."""
        ages, self._ages = self._ages, []
        return step - float(np.mean(ages)) if ages else float("nan")

    def _sample(self, episode: Episode) -> Sample:
        if episode.source == SELFPLAY:
            self._ages.append(episode.step)
        anchor = self._store.anchor(episode.instance)
        target = draw_target(episode, self._config.imitation, self._random)
        labelled = relabelled(episode, target, anchor)
        opponents = self._ingest.opponents
        opponent = opponents.of(episode.instance, target)
        pair = self._ingest.pairs.of(episode.instance, episode.target_kbps)
        clip, frames = clip_features(self._store, episode.instance, target)
        return Sample(
            trace=self._trace(labelled, pair),
            clip=clip,
            frames=frames,
            worth=opponents.rule.worth(labelled.outcome),
            measured=float(pair is not None),
            log_rate=float(np.log(episode.rate_kbps / target)),
            follow=self._weight(labelled),
            follow_search=episode.policies is not None and target == episode.target_kbps,
            opponent=opponent,
        )

    def _weight(self, labelled: Episode) -> float:
        """How much the policy follows it: self-play by its score, demonstrations by their peers."""
        if labelled.source == SELFPLAY:
            return selfplay_weight(self._ingest.score(labelled))
        advantage = self._ingest.advantages.advantage(labelled)
        return imitation_weight(labelled, self._config.imitation, advantage=advantage)

    def _trace(self, episode: Episode, pair: PairedEncode | None) -> Trace:
        key = (episode.uid, episode.target_kbps, pair is not None)
        trace = self._traces.pop(key, None) or trace_of(self._store, episode, pair)
        self._traces[key] = trace
        if len(self._traces) > _KEPT_TRACES:
            self._traces.popitem(last=False)
        return trace
