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
from typing import Any

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
from encoder_bridge.env.actions import Absolute, Actions, check_actions, send_answers
from encoder_bridge.env.batching import RAGGED, Ready, Seeds, check_mask, in_order, ragged_infos, seeds_of
from encoder_bridge.env.clips import EnvClip, load_clips
from encoder_bridge.env.episode import QUESTIONS, RunningEpisode, Turn
from encoder_bridge.env.observation import WINDOW, Observation, observation_space
from encoder_bridge.env.paired_gain import PairedGain
from encoder_bridge.env.rendering import FRAMES_PER_SECOND, check_render_mode
from encoder_bridge.env.reward import EpisodeStart, Reward, check_reward
from encoder_bridge.env.targets import check_targets, choose
from encoder_bridge.errors import NotRunning


class Vp9RateControlVectorEnv(
    gymnasium.vector.VectorEnv[Observation, npt.NDArray[np.int64], npt.NDArray[Any]]
):
    """A vector of `Vp9RateControl-v0`; see the module for its two ways of use.

    Each environment chooses its clips and targets as a single one with its seed would.
    """

    metadata = {  # noqa: RUF012 (gymnasium's way)
        "render_modes": ["rgb_array"],
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        clips: Sequence[EnvClip | str | Path] = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        config: EncoderConfig | None = None,
        reward: Reward | None = None,
        window: int = WINDOW,
        guard: bool = True,
        timeout_s: float = 60.0,
        render_mode: str | None = None,
        new_pool: PoolFactory = _native.Pool,
    ) -> None:
        """See `Vp9RateControlEnv`."""
        self._clips = load_clips(clips, config or EncoderConfig(), new_pool)
        self._targets_kbps = check_targets(targets_kbps)
        self._reward = PairedGain() if reward is None else check_reward(reward)
        self._guard, self._timeout_s, self._window = guard, timeout_s, window
        self.render_mode = check_render_mode(render_mode)
        self.num_envs = num_envs
        self._set_actions(Absolute())
        self._new_pool = new_pool
        self._pool: EncoderPool = new_pool(num_envs)
        self._episodes: list[RunningEpisode | None] = [None] * num_envs
        self._fresh = np.zeros(num_envs, bool)
        self._events = np.zeros(num_envs, EVENT)
        self._options: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        self._random = [gymnasium.utils.seeding.np_random()[0] for _ in range(num_envs)]

    def reset(
        self, *, seed: Seeds = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode in every slot, or in some.

        Args:
            seed: n stands for n, n + 1, ...; a list has one for each environment, None leaves its
                random numbers as they are.
            options: as in the single environment, for all that start; "reset_mask", `[num_envs]` bool,
                starts these only, the others stay where they are.

        Raises:
            BadInput: unknown options, another number of seeds, a mask that is none.
            NotRunning: an environment that the mask leaves out has never been started.
        """
        options = dict(options or {})
        mask = check_mask(options.pop("reset_mask", None), self.num_envs)
        if any(episode is None for episode in np.array(self._episodes, object)[~mask]):
            raise NotRunning("reset_mask leaves out environments that never started: reset() all first")
        self.start_all(seed=seed, options=options, mask=mask)
        ready = self.recv(int(mask.sum()))
        infos = dict(zip(ready.ids.tolist(), ready.infos, strict=True))
        return self._observations(), self._merge([infos.get(slot, {}) for slot in range(self.num_envs)])

    def step(
        self, actions: npt.NDArray[np.int64]
    ) -> tuple[
        Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """One step everywhere; where an episode ended the step before, a new one starts instead.

        Raises:
            BadInput: an action out of range; every environment still waits.
        """
        self.send(np.arange(self.num_envs, dtype=np.int32), actions)
        ready = in_order(self.recv(self.num_envs), self.num_envs)
        truncations = np.zeros(self.num_envs, bool)
        return ready.observations, ready.rewards, ready.terminations, truncations, self._merge(ready.infos)

    def start_all(
        self,
        *,
        seed: Seeds = None,
        options: dict[str, Any] | None = None,
        mask: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Starts an episode in every slot (of `mask`) without waiting for any; see `reset`."""
        seeds = seeds_of(seed, self.num_envs)
        for slot in range(self.num_envs):
            if mask is None or mask[slot]:
                if seeds[slot] is not None:
                    self._random[slot] = gymnasium.utils.seeding.np_random(seeds[slot])[0]
                self._options[slot] = options or {}
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
        """Answers environments that `recv` gave; ended ones start a new episode instead.

        Raises:
            BadInput: an action out of range; nothing is answered then.
        """
        ids = np.asarray(ids, np.int32)
        answers = {
            slot: episode.answer(action)
            for slot, action in zip(ids.tolist(), check_actions(actions, len(ids)), strict=True)
            if (episode := self._running(slot))
        }
        with native_errors():
            send_answers(self._pool, answers)
        for slot in ids.tolist():
            if slot not in answers:
                self._start(slot)

    def render(self) -> tuple[Any, ...] | None:
        """A picture of each environment's episode so far; None without a render mode.

        Raises:
            NotRunning: before the first `reset`.
        """
        if self.render_mode is None:
            return None
        return tuple(self._episode(slot).picture() for slot in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Frees all encoders."""
        self._pool.close()

    def __getstate__(self) -> dict[str, Any]:
        """Refuses to be pickled.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "a vector environment cannot be pickled, it holds libvpx encoders: make another one where you "
            "need it"
        )

    def _set_actions(self, actions: Actions) -> None:
        self._actions = actions
        self.single_observation_space = observation_space(self._window, shapes=actions.asks_shapes)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.single_action_space = actions.space
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def _running(self, slot: int) -> RunningEpisode | None:
        episode = self._episodes[slot]
        return None if episode is None or episode.done else episode

    def _episode(self, slot: int) -> RunningEpisode:
        episode = self._episodes[slot]
        if episode is None:
            raise NotRunning("no episode runs: call reset() or start_all() first")
        return episode

    def _stop(self, slot: int) -> None:
        if self._running(slot):
            with native_errors():
                self._pool.cancel(slot)
                self._pool.wait(slot, self._timeout_s)

    def _start(self, slot: int) -> None:
        options = self._options[slot]
        clip, target_kbps = choose(self._clips, self._targets_kbps, self._random[slot], options)
        start = EpisodeStart(clip, clip.config.replace(target_kbps=target_kbps), self._new_pool)
        episode = RunningEpisode(
            start,
            self._reward,
            self._actions,
            self._window,
            guard=options.get("guard", self._guard),
            keep_packets=self.render_mode is not None,
        )
        with native_errors():
            episode.start(self._pool, slot)
        self._episodes[slot], self._fresh[slot] = episode, True

    def _ready(self, events: npt.NDArray[np.void]) -> Ready:
        turns = [self._turn(event) for event in events]
        stacked = {
            name: np.stack([turn.observation[name] for turn in turns]) for name in turns[0].observation
        }
        return Ready(
            events["slot"].copy(),
            stacked,
            np.array([turn.reward for turn in turns]),
            np.array([turn.ended for turn in turns]),
            [turn.info for turn in turns],
        )

    def _turn(self, event: np.void) -> Turn:
        slot = int(event["slot"])
        episode = self._episode(slot)
        if not self._fresh[slot]:
            return episode.turn(self._pool, event)
        self._fresh[slot] = False
        if event["kind"] not in QUESTIONS:
            raise_failure(self._pool.outcome(slot))
        observation, info = episode.first(event)
        return Turn(observation, 0.0, False, info)

    def _observations(self) -> Observation:
        """`[num_envs, ...]` of what each environment saw last."""
        all_of_them = [self._episode(slot).observation for slot in range(self.num_envs)]
        return {name: np.stack([one[name] for one in all_of_them]) for name in all_of_them[0]}

    def _merge(self, infos: list[dict[str, Any]]) -> dict[str, Any]:
        """As Gymnasium's vectors have it: "x" with a value for each, "_x" for whom it is one."""
        merged = ragged_infos(infos)
        for i, info in enumerate(infos):
            merged = self._add_info(merged, {k: v for k, v in info.items() if k not in RAGGED}, i)
        return merged
