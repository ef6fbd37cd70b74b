"""Encoder settings: every one declared once, with its range, its help text and where it is offered.

A new setting is one field of `EncoderConfig` (and of native/bridge/settings.h, which hands it to
libvpx). The commands' options, training's `[encode]` section, the report's list of settings, the
cache keys and the checks are all made from the declaration. Imports nothing heavy: `--help` reads it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Flag, auto
from fractions import Fraction
from typing import Any

from encoder_bridge.errors import BadInput

VBR, CBR, CONSTRAINED_QUALITY, QUALITY = range(4)
"""Values of `end_usage`."""
LIBVPX_DEFAULT = -1
"""The value that leaves a setting as libvpx has it, where the range allows it."""

BIT_DEPTHS = (8, 10, 12)
"""That VP9 has; more than 8 need a libvpx that was built for it."""

_LATER = ("bit_depth", "key_frame_filtering")
"""Settings that are younger than keys of what is kept: those name them only where they are chosen."""
_NOTES = 3
"""Version of what is noted in the first pass's statistics; part of the cache key."""
_INT32_MAX = 2**31 - 1


class Offered(Flag):
    """Where people can choose a setting, or read what was chosen."""

    NOWHERE = 0
    OPTION = auto()
    """A command-line option of every command that encodes."""
    TRAINING = auto()
    """A key of the `[encode]` section of a training configuration."""
    REPORT = auto()
    """A line in a report's list of settings."""
    EVERYWHERE = OPTION | TRAINING | REPORT


@dataclass(frozen=True)
class Setting:
    """The declaration of one encoder setting.

    Attributes:
        default: its value where nobody chooses one.
        low: smallest value.
        high: largest value.
        words: help text.
        offered: to whom.
        first_pass: whether the first pass depends on it.
    """

    default: int
    low: int
    high: int
    words: str
    offered: Offered
    first_pass: bool


def _setting(
    default: int,
    low: int,
    high: int,
    words: str,
    offered: Offered = Offered.NOWHERE,
    *,
    first_pass: bool = True,
) -> Any:
    declared = Setting(default, low, high, words, offered, first_pass)
    return field(default=default, metadata={"setting": declared})


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Settings of one two-pass, good-deadline libvpx VP9 encode. -1 leaves libvpx's default."""

    width: int = _setting(0, 0, 65535, "luma pixels")
    height: int = _setting(0, 0, 65535, "luma pixels")
    timebase_num: int = _setting(1, 1, _INT32_MAX, "of the seconds in a tick, which is exactly one frame")
    timebase_den: int = _setting(30, 1, _INT32_MAX, "of the same: timebase_den / timebase_num is the fps")
    target_kbps: int = _setting(256, 1, 2_000_000, "kilobits (1000 bits) per second", first_pass=False)
    cpu_used: int = _setting(2, -9, 9, "0 slow and good … 5 fast", Offered.EVERYWHERE)
    auto_alt_ref: int = _setting(6, 0, 6, "0 none, 1 plain, 2 to 6 pyramid", Offered.EVERYWHERE)
    lag_in_frames: int = _setting(25, 0, 25, "frames of look-ahead", Offered.TRAINING | Offered.REPORT)
    kf_max_dist: int = _setting(128, 0, 1_000_000, "most frames between key frames", Offered.EVERYWHERE)
    threads: int = _setting(1, 0, 64, "of libvpx", Offered.OPTION | Offered.REPORT)
    tile_columns: int = _setting(-1, -1, 6, "log2 of the tile columns")
    row_mt: int = _setting(0, 0, 1, "1: rows of a tile in parallel")
    end_usage: int = _setting(VBR, VBR, QUALITY, "rate control: VBR, CBR, …, QUALITY", first_pass=False)
    cq_level: int = _setting(-1, -1, 63, "of constrained and constant quality", first_pass=False)
    min_q: int = _setting(0, 0, 63, "on libvpx's outer scale; does not bind a policy", first_pass=False)
    max_q: int = _setting(63, 0, 63, "on libvpx's outer scale; does not bind a policy", first_pass=False)
    arnr_max_frames: int = _setting(-1, -1, 15, "frames that an alt-ref is filtered over")
    arnr_strength: int = _setting(-1, -1, 6, "of the alt-ref's temporal filter")
    gf_interval: int = _setting(-1, -1, 23, "frames of every GOP, as far as it goes", first_pass=False)
    corpus_complexity: int = _setting(
        0,
        0,
        10_000,
        "of VBR: midpoint of a corpus that shares its rate; 0: each clip alone",
        first_pass=False,
    )
    tpl: int = _setting(-1, -1, 1, "1: libvpx's temporal dependency model")
    key_frame_filtering: int = _setting(
        -1, -1, 1, "1: key frames are filtered, at cpu-used 0 and 1; from libvpx 1.15 on", first_pass=False
    )
    psnr: int = _setting(1, 0, 1, "1: packets carry their frame's squared error", first_pass=False)
    quick: int = _setting(1, 0, 1, "1: the first pass notes what probe encodes at two qualities took")
    max_kbps: int = _setting(0, 0, 2_000_000, "of the peak that a policy keeps; 0: none", first_pass=False)
    buffer_kbits: int = _setting(0, 0, _INT32_MAX, "that may be above max_kbps at once", first_pass=False)
    bit_depth: int = _setting(8, 8, 12, "of the samples: 8, 10 or 12")

    def __post_init__(self) -> None:
        """Refuses in words what libvpx would refuse in codes.

        Raises:
            BadInput: a value outside its range.
        """
        for name, setting in SETTINGS.items():
            value = getattr(self, name)
            if not setting.low <= value <= setting.high:
                raise BadInput(f"{name} {value} is out of range: use {setting.low} to {setting.high}")
        if self.bit_depth not in BIT_DEPTHS:
            raise BadInput(f"bit_depth {self.bit_depth} is none of VP9's: use 8, 10 or 12")

    def check_target(self) -> None:
        """Refuses a target that libvpx would lower by itself, and half a peak.

        Raises:
            BadInput: the target is above the raw video's own rate, or a peak lacks one of its numbers.
        """
        if bool(self.max_kbps) != bool(self.buffer_kbits):
            raise BadInput("a peak needs both max_kbps and buffer_kbits")
        if self.end_usage != QUALITY and self.target_kbps > self.raw_kbps:
            raise BadInput(
                f"target {self.target_kbps} kbps is above the raw video's {self.raw_kbps} kbps: ask for less"
            )

    @property
    def raw_kbps(self) -> int:
        """Libvpx's cap on every target: three raw samples a pixel, at 30 fps above 180 fps."""
        fps = self.fps if self.fps <= 180 else 30
        return max(1, int(self.width * self.height * self.bit_depth * 3 * fps / 1000))

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return Fraction(self.timebase_den, self.timebase_num)

    def replace(self, **changes: Any) -> "EncoderConfig":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def for_video(self, width: int, height: int, fps: Fraction, bit_depth: int = 8) -> "EncoderConfig":
        """A copy for frames of this size, rate and bit depth."""
        return replace(
            self,
            width=width,
            height=height,
            timebase_num=fps.denominator,
            timebase_den=fps.numerator,
            bit_depth=bit_depth,
        )

    def as_native(self) -> dict[str, int]:
        """The settings as `_native.Pool.start` takes them."""
        return asdict(self)

    def in_words(self) -> dict[str, str]:
        """The settings that a report lists, by option name; those left to libvpx are not among them."""
        values = {name: getattr(self, name) for name in offered(Offered.REPORT)}
        return {
            name.replace("_", "-"): str(value) for name, value in values.items() if value != LIBVPX_DEFAULT
        }

    def settings_key(self) -> str:
        """All settings in one line, to name what was made with them."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items() if self._is_named(name))

    def first_pass_key(self) -> str:
        """The settings that the first pass depends on: not the target, not the rate control."""
        named = [name for name, one in SETTINGS.items() if one.first_pass and self._is_named(name)]
        parts = [f"{name}={getattr(self, name)}" for name in named]
        return " ".join([*parts, *([f"notes={_NOTES}"] if self.quick else [])])

    def _is_named(self, setting: str) -> bool:
        """Whether a key names it; see `_LATER`."""
        return setting not in _LATER or getattr(self, setting) != SETTINGS[setting].default


SETTINGS: Mapping[str, Setting] = {one.name: one.metadata["setting"] for one in fields(EncoderConfig)}
"""The declarations by name, in their order."""


def offered(where: Offered) -> dict[str, Setting]:
    """The settings that are offered in one place, by name."""
    return {name: setting for name, setting in SETTINGS.items() if where in setting.offered}
