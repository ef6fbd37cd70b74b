"""Rewards: what an environment tells them of every step, and the simple ones.

A `Reward` is asked once at the start of every episode and gives the function that judges its steps,
so that what an episode needs to remember lives no longer than the episode:

    Vp9RateControlEnv(reward=EveryStep(lambda step: -step.bits / 1000))
    Vp9RateControlEnv(reward=AtEnd(lambda outcome: outcome.psnr_y_db))
    Vp9RateControlEnv(reward=PairedGain())  # the default, see `encoder_bridge.env.paired_gain`
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import ALTREF, SHOW_EXISTING, Records
from encoder_bridge.encode.pool import PoolFactory
from encoder_bridge.encode.result import EpisodeOutcome, Packet
from encoder_bridge.env.clips import EnvClip
from encoder_bridge.errors import BadInput


@dataclass(frozen=True)
class EpisodeStart:
    """What is known before the first step."""

    clip: EnvClip
    config: EncoderConfig
    """Of this encode, with its target."""
    new_pool: PoolFactory
    """What encodes, for rewards that compare with an encode of their own."""


@dataclass(frozen=True)
class Step:
    """What became of one decision."""

    records: Records
    """`[N]` of `layouts.RECORD`: all results so far, in coding order."""
    first_new: int
    """Where in `records` this step's begin: a coded frame, then the show-existing frames after it."""
    packets: Records
    """`[n]` of `layouts.SHOWN`, with luma squared errors: the packets that libvpx gave out since the step
    before. It gives them out when a call returns, so those of the last lag_in_frames frames come together
    at the end."""
    outcome: EpisodeOutcome | None
    """The whole episode's, at its last step."""
    data: tuple[Packet, ...] = ()
    """All packets, at the last step of a reward that keeps them."""

    @property
    def new(self) -> Records:
        """This step's results."""
        return self.records[self.first_new :]

    @property
    def frame(self) -> np.void | None:
        """The record of the frame that the decision was about; None when it was about a GOP's shape."""
        coded = self.new[self.new["frame_type"] != SHOW_EXISTING]
        frame: np.void | None = coded[-1] if len(coded) else None
        return frame

    @property
    def bits(self) -> int:
        """Of this step's frames, show-existing ones included, without superframe indexes."""
        return int(self.new["bits"].sum())

    @property
    def is_shown(self) -> bool:
        """False for a hidden alt-ref, and for a GOP's shape."""
        return self.frame is not None and bool(self.frame["frame_type"] != ALTREF)

    @property
    def show_existing(self) -> Records:
        """This step's show-existing frames: hidden ones that are shown now."""
        new = self.new
        existing: Records = new[new["frame_type"] == SHOW_EXISTING]
        return existing

    @property
    def shown(self) -> Records:
        """This step's results that show a frame, in display order; `sse` is Y+U+V, against the source.

        libvpx 1.15 and newer tell it with the frame's packet: here it is -1, and later in `records`.
        """
        return shown_records(self.new)


def shown_records(records: Records) -> Records:
    """Those that show a frame; the k-th one shows frame k of the clip when `records` begin with it."""
    shown: Records = records[records["frame_type"] != ALTREF]
    return shown


class StepReward(Protocol):
    """Judges the steps of one episode, in their order.

    One whose attribute `keeps_packets` is true gets the packets with the last step, to decode them.
    """

    def __call__(self, step: Step, /) -> float:
        """The reward of a step."""


class Reward(Protocol):
    """Begins the judgement of every episode."""

    def begin(self, start: EpisodeStart, /) -> StepReward:
        """The judge of the episode that begins."""


@dataclass(frozen=True)
class EveryStep:
    """`function` of every step."""

    function: Callable[[Step], float]

    def begin(self, start: EpisodeStart, /) -> StepReward:
        """See `Reward.begin`."""
        return self.function


@dataclass(frozen=True)
class AtEnd:
    """0, and at the last step `function` of the finished episode."""

    function: Callable[[EpisodeOutcome], float]

    def begin(self, start: EpisodeStart, /) -> StepReward:
        """See `Reward.begin`."""
        return lambda step: 0.0 if step.outcome is None else float(self.function(step.outcome))


def check_reward(reward: Any) -> Reward:
    """`reward`, if it is one.

    Raises:
        BadInput: something else, such as a plain function.
    """
    if not hasattr(reward, "begin"):
        raise BadInput(
            f"reward {reward!r} is no Reward: use AtEnd(function) for a function of the finished episode, "
            f"EveryStep(function) for one of every step"
        )
    checked: Reward = reward
    return checked
