"""Vectorised environment: many episodes at once over one pool of encoders.

`Vp9RateControlVectorEnv` has Gymnasium's synchronous semantics: `step` waits for every encoder, and
an ended one starts anew at the next step (`AutoresetMode.NEXT_STEP`). Whoever searches while others
encode uses the asynchronous pair instead, which never waits for the slowest:

    env.start_all(seed=0)
    while True:
        ready = env.recv(n=8)               # whichever 8 are ready first
        env.send(ready.ids, decide(ready))  # ended ones start a new episode by themselves
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import EVENT
from encoder_bridge.encode.pool import EncoderPool, PoolFactory
from encoder_bridge.encode.waiting import native_errors, raise_failure
from encoder_bridge.env.clips import EnvClip, load_clips
from encoder_bridge.env.observation import WINDOW, Observation, observation_space
from encoder_bridge.env.single import Reward, RunningEpisode, check_targets, choose, no_reward
from encoder_bridge.errors import NotRunning


class Ready(NamedTuple):
    """Environments that have something to say; n of them."""

    ids: npt.NDArray[np.int32]
    """`[n]` which ones."""
    observations: Observation
    """Each `[n, ...]`."""
    rewards: npt.NDArray[np.float64]
    terminations: npt.NDArray[np.bool_]
    """`[n]` True: the episode ended; the next thing it sends is a new one's first request."""
    infos: list[dict[str, Any]]


class Vp9RateControlVectorEnv(
    gymnasium.vector.VectorEnv[Observation, npt.NDArray[np.int64], npt.NDArray[Any]]
):
    """A vector of `Vp9RateControl-v0`; see the module for its two ways of use."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        clips: Sequence[EnvClip | str | Path] = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        config: EncoderConfig | None = None,
        reward: Reward = no_reward,
        window: int = WINDOW,
        guard: bool = True,
        timeout_s: float = 60.0,
        new_pool: PoolFactory = _native.Pool,
    ) -> None:
        """See `Vp9RateControlEnv`."""
        self._clips = load_clips(clips, config or EncoderConfig(), new_pool)
        self._targets_kbps = check_targets(targets_kbps)
        self._reward, self._guard, self._timeout_s = reward, guard, timeout_s
        self._window = window
        self.num_envs = num_envs
        self.single_observation_space = observation_space(window)
        self.single_action_space = gymnasium.spaces.Discrete(256)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._pool: EncoderPool = new_pool(num_envs)
        self._episodes: list[RunningEpisode | None] = [None] * num_envs
        self._fresh = np.zeros(num_envs, bool)
        self._events = np.zeros(num_envs, EVENT)
        self._options: dict[str, Any] = {}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode in every slot; `options` as in the single environment, for all of them."""
        self.start_all(seed=seed[0] if isinstance(seed, list) else seed, options=options)
        ready = self._in_order(self.recv(self.num_envs))
        return ready.observations, self._merge(ready.infos)

    def step(
        self, actions: npt.NDArray[np.int64]
    ) -> tuple[
        Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """One step everywhere; where an episode ended the step before, a new one starts instead."""
        self.send(np.arange(self.num_envs, dtype=np.int32), actions)
        ready = self._in_order(self.recv(self.num_envs))
        truncations = np.zeros(self.num_envs, bool)
        return ready.observations, ready.rewards, ready.terminations, truncations, self._merge(ready.infos)

    def start_all(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Starts an episode in every slot without waiting for any."""
        if seed is not None:
            self._np_random, self._np_random_seed = gymnasium.utils.seeding.np_random(seed)
        self._options = options or {}
        for slot in range(self.num_envs):
            self._stop(slot)
            self._start(slot)

    def recv(self, n: int) -> Ready:
        """Waits until `n` environments are ready (or as many as run) and gives those that are.

        Raises:
            EncodeFailed: libvpx failed in one of them.
            WaitExpired: they took too long.
            NotRunning: nothing was sent or started that could become ready.
        """
        with native_errors():
            count = self._pool.recv(n, self._timeout_s, self._events)
            if not count:
                raise NotRunning("no episode runs: call reset() or start_all() first")
            return self._ready(self._events[:count])

    def send(self, ids: npt.NDArray[np.int32], actions: npt.NDArray[Any]) -> None:
        """Answers environments that `recv` gave; ended ones start a new episode instead."""
        ids = np.asarray(ids, np.int32)
        running = np.array([self._running(int(i)) for i in ids], bool)
        with native_errors():
            self._pool.send(ids[running], np.ascontiguousarray(np.asarray(actions)[running], np.int32))
        for slot in ids[~running]:
            self._start(int(slot))

    def close_extras(self, **kwargs: Any) -> None:
        """Frees all encoders."""
        self._pool.close()

    def _running(self, slot: int) -> bool:
        episode = self._episodes[slot]
        return episode is not None and not episode.done

    def _stop(self, slot: int) -> None:
        if self._running(slot):
            with native_errors():
                self._pool.cancel(slot)
                self._pool.wait(slot, self._timeout_s)

    def _start(self, slot: int) -> None:
        clip, target_kbps = choose(self._clips, self._targets_kbps, self.np_random, self._options)
        episode = RunningEpisode(clip, target_kbps, self._window)
        with native_errors():
            episode.start(self._pool, slot, self._options.get("guard", self._guard))
        self._episodes[slot], self._fresh[slot] = episode, True

    def _ready(self, events: npt.NDArray[np.void]) -> Ready:
        rewards, ended = np.zeros(len(events)), np.zeros(len(events), bool)
        infos: list[dict[str, Any]] = []
        observations = []
        for i, event in enumerate(events):
            slot = int(event["slot"])
            episode = self._episodes[slot]
            assert episode is not None
            if self._fresh[slot]:
                if event["kind"] != _native.EVENT_DECISION:
                    raise_failure(self._pool.outcome(slot))
                infos.append(episode.reset_info(event))
            else:
                info, result = episode.step_info(self._pool, event)
                infos.append(info)
                if result is not None:
                    ended[i] = True
                    rewards[i] = self._reward(result.episode(episode.clip.name))
            self._fresh[slot] = False
            observations.append(episode.observe(event))
        stacked = {name: np.stack([o[name] for o in observations]) for name in observations[0]}
        return Ready(events["slot"].copy(), stacked, rewards, ended, infos)

    def _in_order(self, ready: Ready) -> Ready:
        if len(ready.ids) != self.num_envs:
            raise NotRunning(f"{len(ready.ids)} of {self.num_envs} environments answered: reset() starts all")
        order = np.argsort(ready.ids)
        return Ready(
            ready.ids[order],
            {name: array[order] for name, array in ready.observations.items()},
            ready.rewards[order],
            ready.terminations[order],
            [ready.infos[i] for i in order],
        )

    def _merge(self, infos: list[dict[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for i, info in enumerate(infos):
            merged = self._add_info(merged, info, i)
        return merged
