"""Encode results: the records, packets and figures of a whole encode."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import SHOW_EXISTING, Records
from encoder_bridge.media.bitrate import bitrate_kbps
from encoder_bridge.media.psnr import mean_psnr_db
from encoder_bridge.media.vp9_headers import qindexes_of

Packet: TypeAlias = tuple[int, int, bytes]
"""pts in frames, 1 for a key frame, the VP9 data."""


@dataclass(frozen=True)
class FirstPass:
    """libvpx's first-pass statistics of a clip."""

    blob: bytes
    """As libvpx wants them back in the second pass."""
    stats: npt.NDArray[np.float64]
    """`[T, 25]`: one row per shown frame, in `vpx_rc_frame_stats_t`'s order."""

    @property
    def frames(self) -> int:
        """How many frames the first pass saw."""
        return len(self.stats)


@dataclass(frozen=True)
class EpisodeOutcome:
    """What a reward is made of; see `EncodeResult` for the figures."""

    clip: str
    target_kbps: int
    kbps: float
    overshoot: float
    psnr_y_db: float
    frames: int


@dataclass(frozen=True)
class EncodeResult:
    """A whole encode."""

    config: EncoderConfig
    records: Records
    """`[N]` of `layouts.RECORD`, one per libvpx result; empty for libvpx's own rate control."""
    shown: Records
    """`[T]` of `layouts.SHOWN`, one per packet."""
    outcome: dict[str, Any]
    """As `Pool.outcome`: decisions, guarded, fallbacks, seconds."""
    packets: tuple[Packet, ...] = ()
    shapes: tuple[GopShape, ...] = ()
    """What was asked for, GOP by GOP; empty where libvpx shaped all of them. A replay feeds it back."""

    @property
    def frames(self) -> int:
        """Shown frames."""
        return len(self.shown)

    @property
    def packet_bytes(self) -> int:
        """Of all packets, superframe indexes included."""
        return int(self.shown["bytes"].sum())

    @property
    def kbps(self) -> float:
        """Kilobits per second of shown time."""
        return bitrate_kbps(self.packet_bytes, self.frames, self.config.fps)

    @property
    def fill(self) -> float:
        """Rate over target, 1 is exact."""
        return self.kbps / self.config.target_kbps

    @property
    def overshoot(self) -> float:
        """By what share the bitrate is above the target; 0 when it fits."""
        return max(0.0, self.fill - 1)

    @cached_property
    def psnr_y_db(self) -> float:
        """Mean over shown frames of luma PSNR, each at most 60 dB; NaN without PSNR."""
        pixels = self.config.width * self.config.height
        return mean_psnr_db(self.shown["sse_y"], pixels, self.config.bit_depth)

    @property
    def guarded(self) -> int:
        """Decisions that the guard changed."""
        return int(self.outcome["guarded"])

    @property
    def encode_s(self) -> float:
        """Processor seconds of the encoder."""
        return float(self.outcome["encode_seconds"])

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """The data of the packets that were kept."""
        return tuple(data for _, _, data in self.packets)

    @property
    def qindexes(self) -> list[int]:
        """The qindex used for every coded frame, in coding order: what a replay feeds back.

        From the packets (if kept) where libvpx's own rate control left no records.
        """
        if not len(self.records):
            return qindexes_of(self.payloads)
        return [int(r["qindex"]) for r in self.records if r["frame_type"] != SHOW_EXISTING]

    def episode(self, clip: str = "") -> EpisodeOutcome:
        """The few figures that a reward is made of."""
        return EpisodeOutcome(
            clip, self.config.target_kbps, self.kbps, self.overshoot, self.psnr_y_db, self.frames
        )
