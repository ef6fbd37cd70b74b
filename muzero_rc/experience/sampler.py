"""Samples batches: episodes from replay are relabelled, turned into traces and cut into windows."""

import random
from collections import OrderedDict

import numpy as np

from muzero_rc.agent.batch import Batch, Sample, Trace, make_batch
from muzero_rc.config.schema import Config
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.advantage import Advantages
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.featurize import clip_features, trace_of
from muzero_rc.experience.hindsight import draw_target, imitation_weight, relabelled
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import Replay

_KEPT_TRACES = 6000


class BatchSampler:
    """Draws batches; traces are kept, the least recently used go first."""

    def __init__(
        self,
        store: ClipStore,
        replay: Replay,
        opponents: Opponents,
        advantages: Advantages,
        config: Config,
        seed: int,
    ) -> None:
        """Prepares to draw.

        Args:
          store: its clips give features and traces.
          replay: to draw from.
          opponents: read at each draw.
          advantages: likewise.
          config: of the run.
          seed: of all draws.
        """
        self._store = store
        self._replay = replay
        self._opponents = opponents
        self._advantages = advantages
        self._config = config
        self._random = random.Random(seed)
        self._rng = np.random.default_rng(seed)
        self._traces: OrderedDict[tuple[str, int], Trace] = OrderedDict()

    def draw(self) -> Batch:
        """Draws the next batch."""
        learner = self._config.learner
        samples = [self._sample(episode) for episode in self._replay.sample(learner.batch_size)]
        return make_batch(
            samples,
            self._config.network,
            windows=learner.windows,
            unroll=learner.unroll_steps,
            true_schedule_share=learner.true_schedule_share,
            bits_share=learner.bits_share,
            rng=self._rng,
        )

    def _sample(self, episode: Episode) -> Sample:
        anchor = self._store.anchor(episode.instance)
        target = draw_target(episode, self._config.imitation, self._random)
        labelled = relabelled(episode, target, anchor)
        opponent = self._opponents.of(labelled)
        weight = imitation_weight(
            labelled,
            self._config.imitation,
            opponent_db=opponent.gain_db,
            advantage=self._advantages.advantage(episode),
        )
        clip, frames = clip_features(self._store, episode.instance, target)
        return Sample(
            trace=self._trace(labelled),
            clip=clip,
            frames=frames,
            gain_db=labelled.outcome.gain_db,
            log_rate=float(np.log(episode.rate_kbps / target)),
            imitate=weight,
            follow_search=episode.policies is not None and target == episode.target_kbps,
            opponent=opponent,
        )

    def _trace(self, episode: Episode) -> Trace:
        key = (episode.uid, episode.target_kbps)
        trace = self._traces.pop(key, None) or trace_of(self._store, episode)
        self._traces[key] = trace
        if len(self._traces) > _KEPT_TRACES:
            self._traces.popitem(last=False)
        return trace
