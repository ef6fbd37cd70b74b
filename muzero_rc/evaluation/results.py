"""What one encode came to, as kept on disk and as reports read it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LIBVPX_VBR = "libvpx-vbr"
LIBVPX_VBR_ARF1 = "libvpx-vbr-arf1"
LIBVPX_Q = "libvpx-q"
LIBVPX_Q_REPLAY = "libvpx-q-replay"
QINDEX_MAX = 255
MAX_SSIM_DB = 60.0


@dataclass(frozen=True)
class CodedFrames:
    """One entry a coded frame, in coding order; show-existing frames are left out.

    Attributes:
        frame_type: 0 key, 1 inter, 2 alt-ref, 3 overlay, 4 golden.
        show_index: its place in display order, from 0; see `plans.coded_frames` for when it is not known.
        coded_at: how many frames are shown before it.
        layer: of the pyramid, 0 for frames outside it.
        qindex: as used, 0 to 255.
        bits: without the superframe index.
    """

    frame_type: list[int]
    show_index: list[int]
    coded_at: list[int]
    layer: list[int]
    qindex: list[int]
    bits: list[int]


@dataclass(frozen=True)
class MeasuredEncode:
    """One clip, encoded by one method at one target, measured on the decoded file.

    Attributes:
        clip: file name without its ending.
        method: "libvpx-vbr", "libvpx-q", "controller", a policy's name, …
        target_kbps: what was asked for; None where the method has no target.
        cq_level: libvpx's constant-quality level, where that chose the quality.
        kbps: bits of all video packets / (frames / frame rate) / 1000.
        psnr_y_db: mean over shown frames of luma PSNR, each frame capped at 60 dB.
        psnr_y_sum_db: luma PSNR of the summed squared error.
        ssim: mean over frames of luma SSIM; None if not measured.
        vmaf: mean over frames; None if not measured.
        frames: shown frames.
        fps: frames per second of the clip.
        encode_s: processor seconds of the encode.
        guarded: decisions that the guard changed.
        coded: what each coded frame got.
    """

    clip: str
    method: str
    target_kbps: int | None
    cq_level: int | None
    kbps: float
    psnr_y_db: float
    psnr_y_sum_db: float
    ssim: float | None
    vmaf: float | None
    frames: int
    fps: float
    encode_s: float
    guarded: int
    coded: CodedFrames

    @property
    def fill(self) -> float | None:
        """Rate over target, 1 is exact; None without a target."""
        return None if self.target_kbps is None else self.kbps / self.target_kbps

    @property
    def at_floor(self) -> bool:
        """Whether every coded frame was as coarse as VP9 goes: no encode of this clip is smaller."""
        return bool(self.coded.qindex) and min(self.coded.qindex) >= QINDEX_MAX

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "MeasuredEncode":
        """Raises KeyError or TypeError when `data` is not what `to_json` wrote."""
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**values, "coded": CodedFrames(**values["coded"])})


@dataclass(frozen=True)
class ReportClip:
    """A source clip of a report."""

    name: str
    width: int
    height: int
    frames: int
    fps: float
    sha256: str


@dataclass(frozen=True)
class Failure:
    """An encode that did not come about, and why, in one line."""

    clip: str
    method: str
    reason: str


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        methods: in the order of the tables.
        baseline: the first anchor of BD-rates.
        policies: the methods under test, the rest are peers.
        settings: encoder settings and how targets were chosen, by name.
        versions: of what ran, by name.
        command: that makes this report.
        notes: warnings about the study as a whole, one line each.
    """

    clips: list[ReportClip]
    encodes: list[MeasuredEncode]
    failures: list[Failure]
    methods: list[str]
    baseline: str
    policies: list[str]
    settings: dict[str, str]
    versions: dict[str, str]
    command: str
    notes: list[str]


@dataclass(frozen=True)
class Metric:
    """A quality that BD-rates are taken over.

    Attributes:
        key: short name, as in --metrics and results.json.
        label: for tables.
        value: reads it from an encode, in units in which rate curves are smooth; None if not measured.
        max_gap: widest step between neighbours that interpolation may bridge, in those units.
    """

    key: str
    label: str
    value: Callable[[MeasuredEncode], float | None]
    max_gap: float


def _ssim_db(encode: MeasuredEncode) -> float | None:
    """SSIM as -10 log10(1 - SSIM): near 1 the plain figure hardly moves."""
    if encode.ssim is None:
        return None
    return min(-10 * math.log10(max(1 - encode.ssim, 1e-12)), MAX_SSIM_DB)


METRICS = (
    Metric("psnr_y", "PSNR-Y", lambda e: e.psnr_y_db, 6.0),
    Metric("psnr_y_sum", "PSNR-Y, summed error", lambda e: e.psnr_y_sum_db, 6.0),
    Metric("ssim", "SSIM", _ssim_db, 6.0),
    Metric("vmaf", "VMAF", lambda e: e.vmaf, 25.0),
)
