"""A running episode: one encode in a slot of a pool, what `info` says of it, and its rewards."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import RECORD, SHOWN, Records, as_records, as_shown
from encoder_bridge.encode.pool import EncoderPool
from encoder_bridge.encode.result import EncodeResult, Packet
from encoder_bridge.encode.waiting import collect
from encoder_bridge.env.actions import Actions, Answer, Mask, Question
from encoder_bridge.env.observation import (
    ClipFeatures,
    Observation,
    clip_features,
    nothing,
    observe,
    observe_gop,
    request_info,
)
from encoder_bridge.env.rendering import draw
from encoder_bridge.env.reward import EpisodeStart, Reward, Step

QUESTIONS = (_native.EVENT_DECISION, _native.EVENT_SHAPE)
"""Kinds of events that wait for an answer."""


@dataclass(frozen=True)
class Turn:
    """What a step gave."""

    observation: Observation
    reward: float
    ended: bool
    info: dict[str, Any]


class RunningEpisode:
    """One encode of a pool's slot.

    Attributes:
        done: it has ended.
        observation: of what waits; the last one stays after the end.
    """

    def __init__(
        self,
        start: EpisodeStart,
        reward: Reward,
        actions: Actions,
        window: int,
        *,
        guard: bool,
        keep_packets: bool = False,
    ) -> None:
        """`keep_packets`: for `picture`."""
        start.config.check_target()
        self._start, self._window, self._actions = start, window, actions
        self._reward = reward.begin(start)
        self._judged_by_packets = bool(getattr(self._reward, "keeps_packets", False))
        self._guard, self._keep_packets = guard, keep_packets or self._judged_by_packets
        self._features: ClipFeatures = clip_features(start.config, start.clip.first)
        self._records: Records = np.zeros(0, RECORD)
        self._shown: Records = np.zeros(0, SHOWN)
        self._packets: list[Packet] = []
        self._question = Question(False, 0, start.config)
        self._shape = GopShape()
        self.done = False
        self.observation = nothing(window, shapes=actions.asks_shapes)

    def start(self, pool: EncoderPool, slot: int) -> None:
        """Starts the encode; its first event is its first request."""
        clip = self._start.clip
        pool.start(
            slot,
            self._start.config.as_native(),
            clip.raw.frames,
            stats=clip.first.blob,
            guard=self._guard,
            keep_packets=self._keep_packets,
            ask_shapes=self._actions.asks_shapes,
        )

    def answer(self, action: Any) -> Answer:
        """What an action answers to the question that waits.

        Raises:
            BadInput: it is out of range.
        """
        answer = self._actions.answer(action, self._question)
        if isinstance(answer, GopShape):
            self._shape = answer
        return answer

    def action_mask(self) -> Mask | None:
        """Which choices the question leaves; None for all."""
        return self._actions.mask(self._question)

    def first(self, event: np.void) -> tuple[Observation, dict[str, Any]]:
        """What `reset` gives, the whole clip's statistics in `info`."""
        clip, config = self._start.clip, self._start.config
        self._look(event)
        info = {
            "clip": clip.name,
            "target_kbps": config.target_kbps,
            "fps": float(config.fps),
            "stats": clip.first.stats.copy(),
            "frame_features": self._features.frames.copy(),
            "clip_features": self._features.clip.copy(),
            **self._request_info(event),
        }
        return self.copied_observation(), info

    def turn(self, pool: EncoderPool, event: np.void) -> Turn:
        """What `step` gives.

        Raises:
            EncodeFailed: libvpx failed.
        """
        slot = int(event["slot"])
        if self._keep_packets:
            self._packets += pool.take_packets(slot)
        self.done = event["kind"] not in QUESTIONS
        if self.done:
            result = collect(pool, slot, self._start.config)
            step = self._step(result.records, result.shown, result)
            info = {**_coded_info(step), **_end_info(result)}
        else:
            step = self._step(as_records(pool.records(slot)), as_shown(pool.shown(slot)), None)
            self._look(event)
            info = {**_coded_info(step), **self._request_info(event)}
        return Turn(self.copied_observation(), float(self._reward(step)), self.done, info)

    def copied_observation(self) -> Observation:
        """The observation in arrays of the caller's own."""
        return {name: array.copy() for name, array in self.observation.items()}

    def picture(self) -> npt.NDArray[np.uint8]:
        """See `encoder_bridge.env.rendering.draw`."""
        return draw(self._records, self._packets, self._start.config, self._start.clip.first.frames)

    def _look(self, event: np.void) -> None:
        asks_shape = bool(event["kind"] == _native.EVENT_SHAPE)
        self._question = Question(asks_shape, int(event["q_ref"]), self._start.config)
        # Of a GOP that has not begun there are no step features: those of the frame before stay.
        step = self.observation["step"] if asks_shape else event["step"]
        self.observation = observe(self._features, int(event["show_index"]), step, self._window)
        if self._actions.asks_shapes:
            self.observation |= observe_gop(event, self._shape, self._start.config, asks_shape=asks_shape)

    def _request_info(self, event: np.void) -> dict[str, Any]:
        mask = self.action_mask()
        masked = {} if mask is None else {"action_mask": mask, "asks_shape": int(self._question.asks_shape)}
        return {**request_info(event), **masked}

    def _step(self, records: Records, shown: Records, result: EncodeResult | None) -> Step:
        first_new, packets = len(self._records), shown[len(self._shown) :]
        self._records, self._shown = records, shown
        outcome = None if result is None else result.episode(self._start.clip.name)
        data = tuple(self._packets) if self.done and self._judged_by_packets else ()
        return Step(records, first_new, packets, outcome, data)


def _coded_info(step: Step) -> dict[str, Any]:
    frame = step.frame
    known = {"bits": 0, "sse": 0, "frame_type": -1, "asked": -1, "qindex": -1} if frame is None else frame
    return {
        "bits": int(known["bits"]),
        "sse": int(known["sse"]),
        "coded_type": int(known["frame_type"]),
        "is_shown": int(step.is_shown),
        "qindex_asked": int(known["asked"]),
        "qindex": int(known["qindex"]),
        "show_existing": len(step.show_existing),
        "show_existing_bits": int(step.show_existing["bits"].sum()),
        "packet_bytes": step.packets["bytes"].copy(),
        "packet_sse_y": step.packets["sse_y"].copy(),
        "sse_y": int(step.packets["sse_y"].sum()),
    }


def _end_info(result: EncodeResult) -> dict[str, Any]:
    return {
        "kbps": result.kbps,
        "overshoot": result.overshoot,
        "psnr_y_db": result.psnr_y_db,
        "guarded": int(result.outcome["guarded"]),
        "records": result.records,
        "shown": result.shown,
    }
