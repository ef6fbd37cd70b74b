"""What people would use instead of a policy: libvpx tuned for each title, and libvpx's corpus VBR.

libvpx-per-title tries a small grid of settings on a clip, keeps the one that needs fewest bits against
libvpx's defaults, and asks VBR for such bitrates that every target is met. libvpx-corpus gives one bitrate
to all clips, and VBR spends more of it on those that are harder than the corpus.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Protocol, TypeAlias

from encoder_bridge.encode.config import LIBVPX_DEFAULT, EncoderConfig
from muzero_rc.evaluation.bd_rate import RatePoint, bd_rate
from muzero_rc.evaluation.metrics import PSNR_Y
from muzero_rc.evaluation.results import MeasuredEncode
from muzero_rc.evaluation.vbr_match import matching_bitrate

_FILTERS = ((7, 5), (15, 4), (0, LIBVPX_DEFAULT))
"""Frames and strength of an alt-ref's temporal filter; libvpx's defaults first, the last is none."""
_GF_INTERVALS = (LIBVPX_DEFAULT, 16)
GRID = tuple(
    {"arnr_max_frames": frames, "arnr_strength": strength, "gf_interval": interval}
    for interval, (frames, strength) in product(_GF_INTERVALS, _FILTERS)
)
"""Settings of libvpx-per-title; libvpx's defaults first."""

CORPUS_COMPLEXITY = 650
"""libvpx's midpoint for corpora of low resolution."""


Attempt: TypeAlias = Callable[[EncoderConfig], MeasuredEncode]
"""An encode that is made once, however often it is asked for."""


class EncodeVbr(Protocol):
    """One VBR encode of a clip, from the cache or made now, with the key of its cache entry."""

    def __call__(self, config: EncoderConfig, *, whole: bool) -> tuple[str, MeasuredEncode]:
        """Encodes.

        Args:
            config: with the bitrate.
            whole: with all metrics of the report; otherwise with those that are always measured.
        """


def per_title(
    targets_kbps: Sequence[int], settings: EncoderConfig, highest: int, encode: EncodeVbr
) -> Iterator[tuple[str, MeasuredEncode]]:
    """The encodes of libvpx-per-title, one a target; their processor seconds are those of all tries.

    Args:
        targets_kbps: at least one.
        settings: of the report.
        highest: the most that libvpx may be asked for, in kbps.
        encode: on the clip.
    """
    tried: dict[EncoderConfig, MeasuredEncode] = {}

    def attempt(config: EncoderConfig) -> MeasuredEncode:
        if config not in tried:
            tried[config] = encode(config, whole=False)[1]
        return tried[config]

    chosen = settings.replace(**GRID[best_of_grid(targets_kbps, settings, attempt)])
    asked = [
        matching_bitrate(lambda kbps: attempt(chosen.replace(target_kbps=kbps)).kbps, target, highest=highest)
        for target in targets_kbps
    ]
    seconds = sum(one.encode_s for one in tried.values()) / len(targets_kbps)
    for target, kbps in zip(targets_kbps, asked, strict=True):
        key, made = encode(chosen.replace(target_kbps=kbps), whole=True)
        yield key, replace(made, target_kbps=target, encode_s=seconds)


def best_of_grid(targets_kbps: Sequence[int], settings: EncoderConfig, attempt: Attempt) -> int:
    """Which of `GRID` needs fewest bits at equal PSNR-Y, asked for each target as it is.

    Settings whose curve cannot be compared with the first one's are passed over.
    """
    curves = [
        [_point(attempt(settings.replace(**point, target_kbps=target))) for target in targets_kbps]
        for point in GRID
    ]
    percents = [bd_rate(curves[0], curve, max_gap=PSNR_Y.max_gap).percent for curve in curves[1:]]
    gains = [0.0, *(math.inf if percent is None else percent for percent in percents)]
    return gains.index(min(gains))


def corpus_bitrates(targets_kbps: Sequence[Sequence[int]]) -> list[int]:
    """What libvpx-corpus asks of every clip: at each rung of the ladder the clips' geometric mean.

    Args:
        targets_kbps: of each clip, lowest first; a clip may have fewer rungs than others.
    """
    rungs = max((len(one) for one in targets_kbps), default=0)
    columns = [[one[i] for one in targets_kbps if i < len(one)] for i in range(rungs)]
    means = [math.exp(sum(map(math.log, column)) / len(column)) for column in columns]
    return [max(1, round(mean)) for mean in means]


def corpus_configs(bitrates: Sequence[int], settings: EncoderConfig, highest: int) -> list[EncoderConfig]:
    """The settings of libvpx-corpus on one clip, one a bitrate; none above `highest` kbps."""
    asked = dict.fromkeys(min(kbps, highest) for kbps in bitrates)
    return [settings.replace(target_kbps=kbps, corpus_complexity=CORPUS_COMPLEXITY) for kbps in asked]


def _point(encode: MeasuredEncode) -> RatePoint:
    return RatePoint(encode.kbps, encode.metrics[PSNR_Y.name])
