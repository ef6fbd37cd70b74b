"""The MCTS actor: self-play, frame by frame, many clips at once.

Every frame that waits is decided in one batch: by search, or without it straight from the policy
head. Exploring episodes get two kinds of noise: the search's own, and an offset that stays the same
for all frames of a layer in a GOP (independent noise on every frame mostly costs quality).
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job, WithRecords
from muzero_rc.acting.assignment import Assignment, noise_of
from muzero_rc.acting.paired_play import play_pairs
from muzero_rc.agent.batch import privileged_width
from muzero_rc.agent.networks import Networks, look_up
from muzero_rc.agent.search import Found, Root, make_search, tie_break
from muzero_rc.config.schema import Config
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.noise import StructuredNoise
from muzero_rc.experience.comparison import Progress, compared
from muzero_rc.experience.episode import OWN, SELFPLAY, Episode, Name
from muzero_rc.experience.featurize import clip_features, progress_in, progress_of_episode
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.make_episode import make_episode
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import PairedEncode, PairedEncodes
from muzero_rc.reward.outcome import Opponent
from muzero_rc.reward.rules import rule_of
from muzero_rc.types import Array, ClipBatch, Params, Schedule

KIND = "agent"

_PADDING = 32  # shown frames: clips of like length share a compiled encoder


@dataclass
class Play:
    """One episode while it is played.

    Attributes:
      name: of the episode.
      assignment: what is played.
      encoding: f4[T, E] of the clip at the target.
      opponent: whom the episode meets.
      noise: added to what is decided.
      pair: what the critic compares the encode with.
      policies, values: of each decision so far.
    """

    name: Name
    assignment: Assignment
    encoding: Array
    opponent: Opponent
    noise: StructuredNoise
    pair: tuple[Progress, PairedEncode] | None = None
    policies: list[Array] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class Rows(NamedTuple):
    """Inputs of the decisions of a batch; D frames ahead are known of.

    Attributes:
      encoding: f4[B, 1 + D, E] of the frame itself and of those ahead.
      frame_type: i4[B, D] of those ahead.
      layer: i4[B, D] likewise.
      step: f4[B, S] features of the frame.
      privileged: f4[B, P] for the critic.
      opponent: f4[B, 3] its worth less what has come already.
      scale: f4[B, 1] of the search's noise.
    """

    encoding: Array
    frame_type: Array
    layer: Array
    step: Array
    privileged: Array
    opponent: Array
    scale: Array


Act = Callable[..., tuple[jax.Array, Found]]
"""(params, rng key, rows of a batch) -> the next key, what was found"""


class Actor:
    """Plays episodes with the weights that it was last given."""

    def __init__(
        self,
        store: ClipStore,
        networks: Networks,
        config: Config,
        schedules: KnownSchedules,
        pairs: PairedEncodes,
    ) -> None:
        """Prepares to play.

        Args:
          store: of the instances.
          networks: of the run.
          config: likewise.
          schedules: asked for what lies ahead; the caller fills it.
          pairs: what is missing of them is played first, and added.
        """
        self._store = store
        self._networks = networks
        self._config = config
        self._schedules = schedules
        self._pairs = pairs
        self._actions = np.array(config.network.actions)
        self._batch = config.actor.encoders
        self._depth = config.search.depth
        self._encode_clip = jax.jit(networks.encode_clip)
        self._act = self._make_act()
        self._params: Params = {}
        self._step = 0
        self._key = jax.random.PRNGKey(config.seed)

    def set_knowledge(self, schedules: KnownSchedules, pairs: PairedEncodes) -> None:
        """Plays with these instead of those that it began with, from the next call of `play` on."""
        self._schedules, self._pairs = schedules, pairs

    def set_weights(self, params: Params, step: int) -> None:
        """Plays with these from the next decision on."""
        self._params, self._step = params, step

    def play(
        self,
        assignments: Iterable[Assignment],
        opponents: Opponents,
        config_hash: str,
        *,
        stream: str = OWN,
    ) -> Iterator[Episode]:
        """Plays episodes, after the paired encodes that they need.

        Args:
          assignments: all are drawn before the first encode begins.
          opponents: read when an episode begins.
          config_hash: goes into the episodes.
          stream: that the episodes belong to.

        Yields:
          Each episode as it ends; failed encodes are logged and left out.
        """
        work = list(assignments)
        if work:  # the same weights play the same episodes, whatever was played before
            self._key = jax.random.fold_in(jax.random.PRNGKey(self._config.seed), work[0].number)
        for paired in play_pairs(self._store, work, self._pairs):
            self._schedules.add(paired)
            yield paired
        jobs = (self._job(assignment, opponents, stream) for assignment in work)
        for done in self._store.played(jobs, WithRecords(self._decide), together=max(1, self._batch // 2)):
            yield self._episode(done, config_hash)

    def _job(self, assignment: Assignment, opponents: Opponents, stream: str) -> Job:
        instance, target = assignment.instance, assignment.target_kbps
        clip, frames = clip_features(self._store, instance.name, target)
        padded = np.pad(frames, ((0, -len(frames) % _PADDING), (0, 0)))
        batch = ClipBatch(clip[None], padded[None], np.array([len(frames)], np.int32))
        encoding = np.asarray(self._encode_clip(self._params, batch))[0, : len(frames)]
        opponent = opponents.of(instance.name, target)
        noise = noise_of(self._config.actor, assignment, len(frames))
        name = Name(f"{stream}/{assignment.number}", KIND, stream, assignment.number)
        play = Play(name, assignment, encoding, opponent, noise, self._pair(assignment))
        guard = self._config.encode.guard
        return self._store.job(name.uid, instance, target, guard=guard, extra=play)

    def _pair(self, one: Assignment) -> tuple[Progress, PairedEncode] | None:
        pair = self._pairs.of(one.instance.name, one.target_kbps)
        return None if pair is None else (progress_of_episode(self._store, pair.episode), pair)

    def _decide(self, events: Any, jobs: list[Job], so_far: list[tuple[Any, Any]]) -> Any:
        """Decides all frames that wait, in one padded batch; see `encode.batch.WithRecords`."""
        plays: list[Play] = [job.extra for job in jobs]
        rows = [
            self._rows(event, play, job.settings.target_kbps, *done)
            for event, play, job, done in zip(events, plays, jobs, so_far, strict=True)
        ]
        rows += [rows[-1]] * (self._batch - len(rows))
        self._key, found = self._act(self._params, self._key, Rows(*map(np.stack, zip(*rows, strict=True))))
        found = jax.device_get(found)
        for i, play in enumerate(plays):
            play.policies.append(found.policy[i].astype(np.float16))
            play.values.append(float(found.value[i]))
        chosen = [self._chosen(found, i, play) for i, play in enumerate(plays)]
        answers = [self._qindex(e, p, c) for e, p, c in zip(events, plays, chosen, strict=False)]
        return np.array(answers, np.int32)

    def _chosen(self, found: Found, row: int, play: Play) -> float:
        """What is played, as `network.decision` has it of the deployed policy; exploration may differ."""
        if self._config.network.decision == "mean":
            return float(found.policy[row] @ self._actions)
        action = np.argmax(found.policy[row]) if play.assignment.greedy else found.action[row]
        return float(self._actions[action])

    def _rows(self, event: Any, play: Play, target_kbps: int, records: Array, shown: Array) -> "Rows":
        """A frame's inputs, without the first axis."""
        name = play.assignment.instance.name
        ahead = self._schedules.ahead(name, target_kbps, len(play.values), event, self._depth)
        shows = np.concatenate([[event["show_index"]], ahead.show_index])
        encoding = play.encoding[np.clip(shows, 0, len(play.encoding) - 1)]
        scale = 0.0 if play.assignment.greedy else self._config.search.gumbel_scale
        opponent = np.array(play.opponent, np.float32)
        privileged: Array = np.zeros(privileged_width(self._store.engine.widths.layers), np.float32)
        if play.pair is not None and self._config.search.enabled:
            progress = progress_in(self._store, name, records, shown)
            running, inputs = compared(progress, *play.pair)
            privileged, opponent[0] = inputs[-1], opponent[0] - running[-1]
        scales = np.array([scale], np.float32)
        return Rows(encoding, ahead.frame_type, ahead.layer, event["step"], privileged, opponent, scales)

    def _qindex(self, event: Any, play: Play, chosen: float) -> int:
        base = int(event["q_ref"]) if self._config.network.action_mode == "relative" else 0
        return base + math.floor(abs(chosen) + 0.5) * (1 if chosen >= 0.0 else -1) + play.noise.of(event)

    def _make_act(self) -> Act:
        """The jitted decision of a batch: represent, then search or sample."""
        config, networks, depth = self._config, self._networks, self._depth
        rule, guarded = rule_of(config.reward), config.encode.guard
        search = make_search(networks, config.network, config.search, rule, depth=depth, guarded=guarded)

        @jax.jit
        def act(params: Params, key: Array, rows: Rows) -> tuple[jax.Array, Found]:
            following, key = jax.random.split(key)  # outside it would cost a dispatch of its own
            encoding, scale = jnp.asarray(rows.encoding), jnp.asarray(rows.scale)
            here = jnp.zeros(encoding.shape[0], jnp.int32)
            state = networks.represent(params, look_up(encoding, here), rows.step)
            if config.search.enabled:
                places = jnp.broadcast_to(1 + jnp.arange(depth), rows.frame_type.shape)
                ahead = Schedule(rows.frame_type, rows.layer, places)
                exo, forecast = networks.exogenous(encoding, ahead), networks.forecasts(rows.step, ahead)
                root = Root(state, exo, forecast, rows.privileged, rows.opponent)
                return following, search(params, key, root, scale)
            logits = networks.predict(params, state, rows.privileged).policy_logits
            logits += tie_break(config.network)
            action = jnp.argmax(logits + jax.random.gumbel(key, logits.shape) * scale, axis=-1)
            zeros = jnp.zeros(len(logits))
            return following, Found(action, jax.nn.softmax(logits), zeros, zeros, zeros)

        return act

    def _episode(self, done: BatchResult, config_hash: str) -> Episode:
        play: Play = done.job.extra
        searched = self._config.search.enabled
        return make_episode(
            self._store,
            done,
            play.name,
            play.assignment.instance,
            source=SELFPLAY,
            greedy=play.assignment.greedy,
            step=self._step,
            config_hash=config_hash,
            policies=_by_record(done.result.records, np.stack(play.policies)) if searched else None,
            values=_by_record(done.result.records, np.array(play.values, np.float32)) if searched else None,
        )


def _by_record(records: Array, decisions: Array) -> Array:
    """[N] rows for all records from those of the frames that were decided; zeros for the others."""
    rows = np.zeros((len(records), *decisions.shape[1:]), decisions.dtype)
    rows[records["frame_type"] >= 0] = decisions
    return rows
