"""Result types: a measured encode, and the data of a whole report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from muzero_rc.encoding.coded_frames import CodedFrames

QINDEX_MAX = 255


@dataclass(frozen=True)
class MeasuredEncode:
    """One clip, encoded by one rate control at one target, measured on the decoded file.

    Attributes:
        clip: file name without its ending.
        rate_control: "libvpx-vbr", "libvpx-q", "controller", a policy's name, …
        target_kbps: what was asked for; None where the rate control has no target.
        cq_level: libvpx's constant-quality level, where that chose the quality.
        kbps: bits of all video packets / (frames / frame rate) / 1000.
        metrics: what was measured, by `muzero_rc.evaluation.metrics.Metric.name`.
        frames: shown frames.
        fps: frames per second of the clip.
        encode_s: processor seconds of the encode.
        guarded: decisions that the guard changed.
        coded: what each coded frame got.
    """

    clip: str
    rate_control: str
    target_kbps: int | None
    cq_level: int | None
    kbps: float
    metrics: Mapping[str, float]
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
        """The encode that `to_json` wrote; raises KeyError or TypeError for anything else."""
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
    """A clip and rate control whose encodes failed, and why, in one line."""

    clip: str
    rate_control: str
    reason: str


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        rate_controls: in the order of the tables.
        baseline: the first anchor of BD-rates.
        policies: the rate controls under test; the others are there to be compared with.
        settings: encoder settings and how targets were chosen, by name.
        versions: of what ran, by name.
        command: that makes this report.
        notes: warnings about the report as a whole, one line each.
    """

    clips: list[ReportClip]
    encodes: list[MeasuredEncode]
    failures: list[Failure]
    rate_controls: list[str]
    baseline: str
    policies: list[str]
    settings: dict[str, str]
    versions: dict[str, str]
    command: str
    notes: list[str]
