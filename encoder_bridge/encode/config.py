"""The encoder's settings: what design.md calls the baseline, every one stated."""

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

from encoder_bridge.errors import BadInput

VBR, CBR, CONSTRAINED_QUALITY, QUALITY = range(4)
"""Values of `end_usage`."""

_NOTES = 2
"""Counts up when quick encodes note something else: older first passes are then made again."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Settings of one two-pass, good-deadline libvpx VP9 encode. -1 leaves libvpx's default."""

    width: int = 0
    """Luma pixels."""
    height: int = 0
    timebase_num: int = 1
    """Seconds per tick, exactly one frame: 1 / frame rate."""
    timebase_den: int = 30
    target_kbps: int = 256
    """Kilobits (1000 bits) per second."""
    cpu_used: int = 2
    auto_alt_ref: int = 6
    """0 none, 1 one alt-ref per GOP, 2 to 6 pyramid GOPs of so many layers at most."""
    lag_in_frames: int = 25
    kf_max_dist: int = 128
    threads: int = 1
    tile_columns: int = -1
    row_mt: int = 0
    end_usage: int = VBR
    cq_level: int = -1
    min_q: int = 0
    """On libvpx's outer scale, [0, 63]; the hook is not bound by it."""
    max_q: int = 63
    arnr_max_frames: int = -1
    arnr_strength: int = -1
    tpl: int = -1
    psnr: int = 1
    """1: packets carry the squared error of their frame."""
    quick: int = 1
    """1: the first pass also encodes quickly at two qualities and notes in its statistics what that took."""

    def __post_init__(self) -> None:
        """Refuses in words what libvpx would refuse in codes.

        Raises:
            BadInput: a value outside its range.
        """
        ranges = {
            "target_kbps": (1, 2_000_000),
            "cpu_used": (-9, 9),
            "auto_alt_ref": (0, 6),
            "lag_in_frames": (0, 25),
            "kf_max_dist": (0, 1_000_000),
            "threads": (0, 64),
            "tile_columns": (-1, 6),
            "row_mt": (0, 1),
            "end_usage": (0, 3),
            "cq_level": (-1, 63),
            "quick": (0, 1),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(f"{name} {value} is out of range: use {low} to {high}")

    def check_target(self) -> None:
        """Refuses a target that libvpx would lower by itself.

        Raises:
            BadInput: the target is above the raw video's own rate.
        """
        if self.end_usage != QUALITY and self.target_kbps > self.raw_kbps:
            raise BadInput(
                f"target {self.target_kbps} kbps is above the raw video's {self.raw_kbps} kbps: ask for less"
            )

    @property
    def raw_kbps(self) -> int:
        """What libvpx cuts every target down to: three raw bytes a pixel, at 30 fps above 180 fps."""
        fps = self.fps if self.fps <= 180 else 30
        return max(1, int(self.width * self.height * 8 * 3 * fps / 1000))

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return Fraction(self.timebase_den, self.timebase_num)

    def replace(self, **changes: Any) -> "EncoderConfig":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def for_video(self, width: int, height: int, fps: Fraction) -> "EncoderConfig":
        """A copy for frames of this size and rate."""
        return replace(
            self, width=width, height=height, timebase_num=fps.denominator, timebase_den=fps.numerator
        )

    def as_native(self) -> dict[str, int]:
        """What `_native.Pool.start` takes."""
        return asdict(self)

    def settings_key(self) -> str:
        """All settings in one line, to name what was made with them."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    def first_pass_key(self) -> str:
        """The settings that the first pass depends on: not the target, not the rate control."""
        second = {"target_kbps", "end_usage", "cq_level", "min_q", "max_q", "psnr"}
        settings = [f"{name}={value}" for name, value in asdict(self).items() if name not in second]
        return " ".join([*settings, *([f"notes={_NOTES}"] if self.quick else [])])
