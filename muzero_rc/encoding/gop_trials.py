"""GOP trials: which GOPs to try next on a clip, from what became of earlier encodes."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from encoder_bridge.encode.gop_shapes import OWN, GopShape
from encoder_bridge.encode.result import EncodeResult
from muzero_rc.encoding.gop_costs import bits_by_frame, usual_step
from muzero_rc.encoding.gop_search import (
    LONGEST,
    SHORTEST,
    GopOutlook,
    GopTrial,
    WorthAt,
    key_frames_of,
    lengths_to_try,
    trial_of,
)

LENGTHS = (20, 12, 16, 8, OWN)
"""Of all GOPs of an encode, in frames, OWN as libvpx has them: those first that with the ones before them
bring most (docs/experiments/0051). They come before any search."""

_DRAWS = 8
"""Tries to find lengths that were not tried."""


class GopTrials:
    """Says what to try on one clip, encode after encode.

    The same numbers and encodes give the same trials: all is drawn from the encode's number.
    """

    def __init__(self, worth: WorthAt, *, lag: int = 25, rehearsed: Sequence[GopShape] = ()) -> None:
        """Prepares.

        Args:
            worth: of GOPs, as the policy foresees it.
            lag: frames of look-ahead.
            rehearsed: GOPs that come before all others.
        """
        self._worth, self._longest = worth, min(lag - 2, LONGEST)
        self._told: list[GopTrial] = []
        self._searched: set[tuple[int, ...]] = set()
        self._outlook: GopOutlook | None = None
        self._mean_bits = 0.0
        self._own = GopShape()
        self._rehearsed = tuple(rehearsed)
        self._common: tuple[tuple[GopShape, ...], ...] = ()

    @property
    def possible(self) -> bool:
        """Whether there is anything to try; not known before the first encode is told."""
        return self._outlook is not None

    @property
    def common(self) -> int:
        """How many trials come before any search: they do not depend on what became of each other."""
        return len(self._common)

    def tell(self, result: EncodeResult) -> None:
        """Takes an encode in: the policy's own first, then those that `next` said."""
        if not self._told:
            self._look_out(result)
        if self.possible:
            self._told.append(trial_of(result, self._mean_bits))

    def next(self, number: int) -> tuple[GopShape, ...]:
        """The GOPs of encode `number`, from 2 on."""
        assert self._outlook is not None
        if number <= 1 + self.common:
            return self._common[number - 2]
        rng = np.random.default_rng(number)
        for _ in range(_DRAWS):
            lengths = tuple(lengths_to_try(self._outlook, self._told, rng))
            if lengths not in self._searched:
                break
        self._searched.add(lengths)
        return self._shapes(lengths)

    def _shapes(self, lengths: Sequence[int]) -> tuple[GopShape, ...]:
        return tuple(dataclasses.replace(self._own, length=length) for length in lengths)

    def _look_out(self, result: EncodeResult) -> None:
        """What the policy's own encode says before other GOPs are tried."""
        if self._longest < SHORTEST or not len(result.records):
            return
        self._mean_bits = float(bits_by_frame(result.records, result.frames).mean())
        worth = self._worth(usual_step(result.records, result.config.bit_depth))
        self._outlook = GopOutlook(worth, key_frames_of(result), self._longest)
        if result.shapes:  # what it set beside the length stays
            self._own = dataclasses.replace(result.shapes[0], length=OWN)
        had_own = all(shape.length == OWN for shape in result.shapes)
        lengths = (n for n in LENGTHS if n <= self._longest and not (had_own and n == OWN))
        common = [self._shapes([length] * result.frames) for length in lengths]
        self._common = (*([self._rehearsed] if self._rehearsed else []), *common)
