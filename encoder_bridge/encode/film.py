"""Films: a clip that is coded in parts, each by an encoder of its own, under one budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.encode.waiting import native_errors


@dataclass(frozen=True)
class FilmPart:
    """Some frames of a film, and what they may take of its bits."""

    film: FirstPass
    """Of the whole film."""
    first: int
    """The film's frame that it begins with."""
    frames: int
    bits: float
    """Of all its packets together."""

    @cached_property
    def first_pass(self) -> FirstPass:
        """Of the part, as if there were no other frames.

        Raises:
            BadInput: the film has no such frames.
        """
        with native_errors():
            blob = _native.first_pass_part(self.film.blob, self.first, self.frames)
        records = np.frombuffer(blob, np.float64).reshape(self.frames + 1, -1)
        return FirstPass(blob, records[:-1, : self.film.stats.shape[1]])

    def as_native(self) -> dict[str, Any]:
        """The arguments of `_native.Pool.start`."""
        return {"film": self.film.blob, "film_first": self.first, "film_bits": self.bits}


def key_frames(first: FirstPass, config: EncoderConfig) -> list[int]:
    """Show indices of the key frames that libvpx will place in a second pass, the first one included."""
    stats = np.ascontiguousarray(first.stats)
    return _native.key_frames(config.width, config.height, config.kf_max_dist, stats)


def deal(first: FirstPass, config: EncoderConfig, starts: Sequence[int]) -> tuple[FilmPart, ...]:
    """The parts that begin at `starts`, and what each may take of the film's target.

    That is what the controller's forecast gives it at the one quantizer step at which the whole film meets
    its target: an easy part gets a lower rate than a hard one.

    Args:
        first: of the whole film.
        config: with size and target.
        starts: frames, ascending from 0.

    Raises:
        BadInput: other starts.
    """
    bits = np.zeros(len(starts))
    with native_errors():
        _native.deal_film(
            config.width,
            config.height,
            config.target_kbps,
            np.ascontiguousarray(first.stats),
            np.array(starts, np.int32),
            bits,
        )
    ends = [*starts[1:], first.frames]
    return tuple(
        FilmPart(first, start, end - start, share)
        for start, end, share in zip(starts, ends, bits.tolist(), strict=True)
    )
