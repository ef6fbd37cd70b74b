"""`Vp9RateControl-v0`, single: an episode is one clip at one target, a step is one coded frame."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import gymnasium
import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import EVENT, SHOW_EXISTING, Records, as_records
from encoder_bridge.encode.pool import EncoderPool, PoolFactory
from encoder_bridge.encode.result import EncodeResult, EpisodeOutcome
from encoder_bridge.encode.waiting import collect, native_errors, raise_failure
from encoder_bridge.env.clips import EnvClip, load_clips
from encoder_bridge.env.observation import (
    WINDOW,
    ClipFeatures,
    Observation,
    clip_features,
    nothing,
    observation_space,
    observe,
    request_info,
)
from encoder_bridge.errors import BadInput, NotRunning

Reward: TypeAlias = Callable[[EpisodeOutcome], float]


def no_reward(outcome: EpisodeOutcome) -> float:
    """What an environment gives unless a reward is passed in: 0."""
    return 0.0


class RunningEpisode:
    """One running encode of a pool's slot, and what `info` says of it."""

    def __init__(self, clip: EnvClip, target_kbps: int, window: int) -> None:
        self.clip = clip
        self.config = clip.config.replace(target_kbps=target_kbps)
        self.features: ClipFeatures = clip_features(self.config, clip.first)
        self.window = window
        self.done = False
        self.observation = nothing(window)

    def start(self, pool: EncoderPool, slot: int, guard: bool) -> None:
        """Starts the encode; its first event is its first request."""
        self.config.check_target()
        clip = self.clip
        pool.start(slot, self.config.as_native(), clip.raw.frames, stats=clip.first.blob, guard=guard)

    def reset_info(self, event: np.void) -> dict[str, Any]:
        """The whole clip's statistics beside the first request."""
        return {
            "clip": self.clip.name,
            "target_kbps": self.config.target_kbps,
            "fps": float(self.config.fps),
            "stats": self.clip.first.stats.copy(),
            "frame_features": self.features.frames.copy(),
            "clip_features": self.features.clip.copy(),
            **request_info(event),
        }

    def observe(self, event: np.void) -> Observation:
        """The observation of a request; the last one stays after the end."""
        if event["kind"] == _native.EVENT_DECISION:
            self.observation = observe(self.features, int(event["show_index"]), event["step"], self.window)
        return {name: array.copy() for name, array in self.observation.items()}

    def step_info(self, pool: EncoderPool, event: np.void) -> tuple[dict[str, Any], EncodeResult | None]:
        """What became of the last decision, and at the end of the whole encode.

        Raises:
            EncodeFailed: libvpx failed.
        """
        slot = int(event["slot"])
        if event["kind"] == _native.EVENT_DECISION:
            return {**_coded_info(as_records(pool.records(slot))), **request_info(event)}, None
        self.done = True
        result = collect(pool, slot, self.config)
        end = {
            "kbps": result.kbps,
            "overshoot": result.overshoot,
            "psnr_y_db": result.psnr_y_db,
            "guarded": int(result.outcome["guarded"]),
            "records": result.records,
            "shown": result.shown,
        }
        return {**_coded_info(result.records), **end}, result


def _coded_info(records: Records) -> dict[str, Any]:
    coded = records[records["frame_type"] != SHOW_EXISTING][-1]
    return {
        "bits": int(coded["bits"]),
        "sse": int(coded["sse"]),
        "coded_type": int(coded["frame_type"]),
        "qindex_asked": int(coded["asked"]),
        "qindex": int(coded["qindex"]),
    }


def choose(
    clips: Sequence[EnvClip],
    targets_kbps: Sequence[int],
    random: np.random.Generator,
    options: dict[str, Any],
) -> tuple[EnvClip, int]:
    """A clip and a target: as `options` say ("clip": name or index, "target_kbps"), else random.

    Raises:
        BadInput: an unknown clip or option.
    """
    unknown = set(options) - {"clip", "target_kbps", "guard"}
    if unknown:
        raise BadInput(f"option {min(unknown)} is unknown: use clip, target_kbps or guard")
    wanted = options.get("clip")
    if wanted is None:
        clip = clips[int(random.integers(len(clips)))]
    else:
        named = [c for i, c in enumerate(clips) if wanted in (i, c.name)]
        if not named:
            raise BadInput(f"clip {wanted} is unknown: use one of {', '.join(c.name for c in clips)}")
        clip = named[0]
    target = options.get("target_kbps") or targets_kbps[int(random.integers(len(targets_kbps)))]
    return clip, int(target)


class Vp9RateControlEnv(gymnasium.Env[Observation, np.int64]):
    """libvpx asks for the qindex of every coded frame, hidden ones included.

    Observation: "window" `[W, X]` frame features round the current frame, zeros beyond the clip;
    "clip" `[C]`; "step" `[S]`. `feature_names` names them.
    Action: the qindex, 0 to 255; C clamps it to [1, 255] and, with `guard`, raises it when the
    clip would end over its target.
    Reward: 0 until the last step, which gives `reward(outcome)`; without one, always 0.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (gymnasium's own way)

    def __init__(
        self,
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
        """Loads the clips.

        Args:
            clips: files or loaded clips; none takes a small synthetic one.
            targets_kbps: bitrates to choose from.
            config: settings of the encoder; size and frame rate come from each clip.
            reward: of the finished episode.
            window: frames in "window".
            guard: hold the encode to its budget.
            timeout_s: how long the encoder may take for one frame.
            new_pool: `_native.Pool`, or `testing.fake_pool.FakePool`, which must have made the clips as well.
        """
        self._clips = load_clips(clips, config or EncoderConfig(), new_pool)
        self._targets_kbps = check_targets(targets_kbps)
        self._reward, self._guard, self._timeout_s = reward, guard, timeout_s
        self._window = window
        self.observation_space = cast("gymnasium.Space[Observation]", observation_space(window))
        self.action_space = gymnasium.spaces.Discrete(256)
        self._new_pool = new_pool
        self._pool: EncoderPool | None = None
        self._episode: RunningEpisode | None = None
        self._event = np.zeros(1, EVENT)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: of the choice of clip and target.
            options: "clip" (name or index), "target_kbps", "guard".

        Raises:
            BadInput: unknown options.
            EncodeFailed: libvpx failed.
        """
        super().reset(seed=seed)
        options = options or {}
        clip, target_kbps = choose(self._clips, self._targets_kbps, self.np_random, options)
        self.close()
        self._pool = self._new_pool(1)
        self._episode = RunningEpisode(clip, target_kbps, self._window)
        with native_errors():
            self._episode.start(self._pool, 0, options.get("guard", self._guard))
            self._receive(self._pool)
        if self._event[0]["kind"] != _native.EVENT_DECISION:
            raise_failure(self._pool.outcome(0))
        info = self._episode.reset_info(self._event[0])
        return self._episode.observe(self._event[0]), info

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Codes the frame that waits.

        Raises:
            NotRunning: before `reset`, or after the end.
            EncodeFailed: libvpx failed.
            WaitExpired: the encoder took too long.
        """
        episode, pool = self._episode, self._pool
        if episode is None or pool is None or episode.done:
            raise NotRunning("no episode runs: call reset() first")
        with native_errors():
            pool.send(np.zeros(1, np.int32), np.array([action], np.int32))
            self._receive(pool)
            info, result = episode.step_info(pool, self._event[0])
        observation = episode.observe(self._event[0])
        reward = 0.0 if result is None else float(self._reward(result.episode(episode.clip.name)))
        return observation, reward, result is not None, False, info

    def close(self) -> None:
        """Ends the episode and frees the encoder; twice is fine."""
        pool, self._pool, self._episode = self._pool, None, None
        if pool is not None:
            pool.close()

    def _receive(self, pool: EncoderPool) -> None:
        try:
            pool.recv(1, self._timeout_s, self._event)
        except BaseException:
            self.close()
            raise


def check_targets(targets_kbps: Sequence[int]) -> tuple[int, ...]:
    """At least one positive bitrate.

    Raises:
        BadInput: there is none.
    """
    if not targets_kbps or min(targets_kbps) < 1:
        raise BadInput(f"targets {tuple(targets_kbps)} are no bitrates: give kilobits per second, 1 or more")
    return tuple(int(target) for target in targets_kbps)
