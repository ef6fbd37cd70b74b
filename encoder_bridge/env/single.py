"""The environments for one encode at a time: an episode is one clip at one target, a step one coded frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import EVENT
from encoder_bridge.encode.pool import EncoderPool, PoolFactory
from encoder_bridge.encode.waiting import native_errors, raise_failure
from encoder_bridge.env.actions import Absolute, Actions, send_answers
from encoder_bridge.env.clips import EnvClip, load_clips
from encoder_bridge.env.episode import QUESTIONS, RunningEpisode
from encoder_bridge.env.observation import WINDOW, Observation, observation_space
from encoder_bridge.env.paired_gain import PairedGain
from encoder_bridge.env.rendering import FRAMES_PER_SECOND, check_render_mode
from encoder_bridge.env.reward import EpisodeStart, Reward, check_reward
from encoder_bridge.env.targets import check_targets, choose
from encoder_bridge.errors import NotRunning


class Vp9RateControlEnv(gymnasium.Env[Observation, Any]):
    """`Vp9RateControl-v0`: libvpx asks for the qindex of every coded frame, hidden ones included.

    Observation: "window" `[W, X]` frame features round the current frame, zeros beyond the clip;
    "clip" `[C]`; "step" `[S]`. `feature_names` names them.
    Action: the qindex, 0 to 255; C clamps it to [1, 255] and, with `guard`, raises it when the
    clip would end over its target.
    Reward: `PairedGain()` unless another is passed in: the per cent of rate that the episode saves over
    the controller's own encode of the same clip and target at equal quality, less 5 for each per cent
    over the target, given step by step as it comes about (`encoder_bridge.env.paired_gain`).
    Info of a step: the coded frame's "bits", "sse" (Y+U+V), "coded_type", "is_shown", "qindex_asked" and
    "qindex"; "show_existing" and "show_existing_bits", of the show-existing frames after it; of the n packets
    that libvpx gave out since the step before, one a shown frame, "packet_bytes" `[n]`, "packet_sse_y" `[n]`
    (luma squared error) and its sum "sse_y"; the request that waits: "frame_type", "show_index",
    "coding_index", "layer", "reference_qindex". At the end also "kbps", "overshoot", "psnr_y_db", "guarded",
    "records" and "shown", the whole encode.
    Render mode "rgb_array": `encoder_bridge.env.rendering`.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": FRAMES_PER_SECOND}  # noqa: RUF012 (gymnasium's way)

    def __init__(
        self,
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
        """Loads the clips.

        Args:
            clips: files or loaded clips; none takes a small synthetic one.
            targets_kbps: bitrates to choose from.
            config: settings of the encoder; size and frame rate come from each clip.
            reward: see `encoder_bridge.env.reward`; None is `PairedGain()`.
            window: frames in "window".
            guard: hold the encode to its budget.
            timeout_s: how long the encoder may take for one frame.
            render_mode: "rgb_array" or None.
            new_pool: `_native.Pool`, or `testing.fake_pool.FakePool`, which must have made the clips as well.
        """
        self._clips = load_clips(clips, config or EncoderConfig(), new_pool)
        self._targets_kbps = check_targets(targets_kbps)
        self._reward = PairedGain() if reward is None else check_reward(reward)
        self._guard, self._timeout_s, self._window = guard, timeout_s, window
        self.render_mode = check_render_mode(render_mode)
        self._set_actions(Absolute())
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
        start = EpisodeStart(clip, clip.config.replace(target_kbps=target_kbps), self._new_pool)
        episode = RunningEpisode(
            start,
            self._reward,
            self._actions,
            self._window,
            guard=options.get("guard", self._guard),
            keep_packets=self.render_mode is not None,
        )
        self._pool, self._episode = self._new_pool(1), episode
        with native_errors():
            episode.start(self._pool, 0)
            self._receive(self._pool)
        if self._event[0]["kind"] not in QUESTIONS:
            raise_failure(self._pool.outcome(0))
        return episode.first(self._event[0])

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answers what libvpx waits for.

        Raises:
            NotRunning: before `reset`, or after the end.
            BadInput: an action out of range; the question still waits.
            EncodeFailed: libvpx failed.
            WaitExpired: the encoder took too long.
        """
        episode, pool = self._running()
        answer = episode.answer(action)
        with native_errors():
            send_answers(pool, {0: answer})
            self._receive(pool)
            turn = episode.turn(pool, self._event[0])
        return turn.observation, turn.reward, turn.ended, False, turn.info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The picture of the episode so far, `[H, W, 3]`; None without a render mode.

        Raises:
            NotRunning: before the first `reset`.
        """
        if self.render_mode is None:
            return None
        if self._episode is None:
            raise NotRunning("no episode to render: call reset() first")
        return self._episode.picture()

    def close(self) -> None:
        """Ends the episode and frees the encoder; twice is fine."""
        pool, self._pool, self._episode = self._pool, None, None
        if pool is not None:
            pool.close()

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps of an environment that does not run.

        Raises:
            TypeError: it runs.
        """
        if self._pool is not None:
            raise TypeError(
                "a running environment cannot be pickled, it holds a libvpx encoder: call close() before, "
                "and reset() on the copy"
            )
        return self.__dict__

    def _set_actions(self, actions: Actions) -> None:
        self._actions = actions
        space = observation_space(self._window, shapes=actions.asks_shapes)
        self.observation_space = cast("gymnasium.Space[Observation]", space)
        self.action_space = actions.space

    def _running(self) -> tuple[RunningEpisode, EncoderPool]:
        if self._episode is None or self._pool is None or self._episode.done:
            raise NotRunning("no episode runs: call reset() first")
        return self._episode, self._pool

    def _receive(self, pool: EncoderPool) -> None:
        try:
            pool.recv(1, self._timeout_s, self._event)
        except BaseException:
            self.close()
            raise
