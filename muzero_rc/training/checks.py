"""Checks of critic and model against episodes whose ends are known."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from muzero_rc.agent.batch import nearest_action
from muzero_rc.agent.networks import Networks, look_up
from muzero_rc.agent.two_hot import centres
from muzero_rc.config.schema import Config
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.featurize import clip_features, trace_of
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.reward.rule import Rule
from muzero_rc.types import Array, ClipBatch, Forecast, Params, Schedule

PARTS = (0.2, 0.4, 0.6, 0.8)
"""Of the clip's coded frames, where the critic is asked."""
_INSIDE = 0.8  # of the probability, in the interval whose coverage is told
_PADDING = 32  # shown and coded frames: clips of like length share what is compiled
_DB = 20.0 / np.log(10.0)  # of a unit of scaled_log_sse


class Asked(NamedTuple):
    """What the critic said of one episode, and what came.

    Attributes:
      group: its instance and target.
      running: f4[parts] gain by then.
      said: f4[parts] final worth that the critic expects.
      low: f4[parts] lower end of its 80 % interval.
      high: f4[parts] upper end.
      worth: final.
    """

    group: tuple[str, int]
    running: Array
    said: Array
    low: Array
    high: Array
    worth: float


class Checks:
    """Asks a network about episodes."""

    def __init__(self, networks: Networks, config: Config, store: ClipStore, pairs: PairedEncodes) -> None:
        """Args: store: with the instances prepared; pairs: episodes without a pair are left out."""
        self._config = config
        self._store = store
        self._pairs = pairs
        self._critic = jax.jit(_critic_of(networks, config))
        self._model = jax.jit(_model_of(networks))

    def critic(self, params: Params, episodes: Iterable[Episode], rule: Rule) -> list[Asked]:
        """Asks the critic at a few places of each episode, measured against its paired encode."""
        asked = []
        for episode in episodes:
            pair = self._pairs.of(episode.instance, episode.target_kbps)
            if pair is None:
                continue
            trace = trace_of(self._store, episode, pair)
            at = np.array([int(part * len(trace.qindex)) for part in PARTS])
            rows = (trace.show_index[at], trace.step[at], trace.privileged[at])
            mean, low, high = jax.device_get(self._critic(params, self._clip(episode), *rows))
            running, worth = trace.running[at], rule.worth(episode.outcome)
            group = (episode.instance, episode.target_kbps)
            asked.append(Asked(group, running, running + mean, running + low, running + high, worth))
        return asked

    def model(self, params: Params, episodes: Iterable[Episode]) -> dict[str, float]:
        """Errors of the dynamics one frame ahead; `forecast_...` of what they begin with."""
        rows = [self._errors(params, episode) for episode in episodes]
        bits, sse, known_bits = (np.concatenate(column) for column in zip(*rows, strict=True))
        return {
            "bits_huber": float(_huber(bits).mean()),
            "forecast_bits_huber": float(_huber(known_bits).mean()),
            "quality_rms_db": float(np.sqrt(np.nanmean((_DB * sse) ** 2))),
        }

    def _errors(self, params: Params, episode: Episode) -> tuple[Array, Array, Array]:
        trace = trace_of(self._store, episode)
        action = nearest_action(trace.qindex, trace.q_ref, self._config.network)
        count = len(action)
        room = -count % _PADDING
        columns = (trace.show_index, trace.step, trace.layer, trace.frame_type, action)
        padded = [np.pad(x, ((0, room), *[(0, 0)] * (x.ndim - 1))) for x in columns]
        bits, sse, known = jax.device_get(self._model(params, self._clip(episode), *padded))
        return bits[:count] - trace.log_bits, sse[:count] - trace.log_sse, known[:count] - trace.log_bits

    def _clip(self, episode: Episode) -> ClipBatch:
        clip, frames = clip_features(self._store, episode.instance, episode.target_kbps)
        padded = np.pad(frames, ((0, -len(frames) % _PADDING), (0, 0)))
        return ClipBatch(clip[None], padded[None], np.array([len(frames)], np.int32))


Arrays = tuple[jax.Array, ...]


def _critic_of(networks: Networks, config: Config) -> Callable[..., Arrays]:
    bins, limit = config.network.gain_bins, config.network.gain_limit
    edges = ((1.0 - _INSIDE) / 2.0, (1.0 + _INSIDE) / 2.0)

    def critic(params: Params, clip: ClipBatch, show: Array, step: Array, privileged: Array) -> Arrays:
        seen = look_up(networks.encode_clip(params, clip), show[None])
        state = networks.represent(params, seen, step[None])
        chances = jax.nn.softmax(networks.predict(params, state, privileged[None]).gain_logits[0])
        values, so_far = centres(bins, limit), jnp.cumsum(chances, axis=-1)
        return chances @ values, *(values[jnp.argmax(so_far >= edge, axis=-1)] for edge in edges)

    return critic


def _model_of(networks: Networks) -> Callable[..., Arrays]:
    def model(params: Params, clip: ClipBatch, show: Array, step: Array, *rest: Any) -> Arrays:
        layer, frame_type, action = rest
        encoding = networks.encode_clip(params, clip)
        state = networks.represent(params, look_up(encoding, show[None]), step[None])
        schedule = Schedule(*(jnp.roll(x, -1)[None, :, None] for x in (frame_type, layer, show)))
        exo = networks.exogenous(encoding, schedule)[:, :, 0]
        present = Forecast(*(x[:, :, 0] for x in networks.forecasts(step[None], schedule)))
        moved = networks.dynamics(params, state, action[None], exo, present)
        return moved.log_bits[0], moved.log_sse[0], networks.expected_bits(action[None], present)[0]

    return model


def critic_figures(asked: Sequence[Asked]) -> dict[str, float]:
    """Figures to log; correlations are within groups, of at least three episodes each."""
    groups: dict[tuple[str, int], list[Asked]] = defaultdict(list)
    for one in asked:
        groups[one.group].append(one)
    whole = [group for group in groups.values() if len(group) >= 3]
    if not whole:
        return {}
    found = {}
    for i, part in enumerate(PARTS):
        name = f"{100 * part:.0f}"
        found[f"critic_{name}"] = within([[(one.said[i], one.worth) for one in group] for group in whole])
        found[f"running_{name}"] = within([[(one.running[i], one.worth) for one in group] for group in whole])
    found["critic_within"] = float(np.mean([found[f"critic_{100 * part:.0f}"] for part in PARTS]))
    inside = [(one.low <= one.worth) & (one.worth <= one.high) for one in asked]
    found["critic_coverage"] = float(np.mean(inside))
    return found


def within(groups: Sequence[Sequence[tuple[Any, float]]]) -> float:
    """Correlation of pairs of numbers after each group's means are taken away; 0 where nothing varies."""
    centred = [np.array(group) - np.mean(group, axis=0) for group in groups]
    x, y = np.concatenate(centred).T
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0.0 else 0.0


def _huber(error: Array) -> Any:
    size = np.abs(error)
    return np.where(size <= 1.0, 0.5 * size**2, size - 0.5)
