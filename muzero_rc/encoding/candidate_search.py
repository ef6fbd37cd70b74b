"""Candidate search: what to encode next, from what became of the earlier encodes of a clip.

First the policy's own encode, then some with other GOPs, then the best of them, or the best splice of them,
played again.
"""

import dataclasses

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
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.replays import FINEST, Candidate, Replays
from muzero_rc.encoding.splicing import Splice, best_splice

LENGTHS = (20, 12, 16, 8, OWN)
"""Of all GOPs of a candidate, in frames, OWN as libvpx has them: those first that with the ones before them
bring most (docs/experiments/0051). They come before any search."""
GOP_TRIALS = 16
"""Candidates with other GOPs, at most."""
REPLAYS = {8: 2}
"""From so many candidates on, how many of them play the best again, which mostly fills the target better."""

_DRAWS = 8
"""Tries to find lengths that were not tried."""


class CandidateSearch:
    """Says what one clip's candidates are, one after the other.

    The same numbers and encodes give the same candidates: all is drawn from the candidate's number.
    """

    def __init__(
        self, count: int, worth: WorthAt, *, finest: int = FINEST, bit_depth: int = 8, lag: int = 25
    ) -> None:
        """Prepares.

        Args:
            count: of candidates.
            worth: of GOPs, as the policy foresees it.
            finest: no qindex is below it.
            bit_depth: of the video.
            lag: frames of look-ahead.
        """
        self._count, self._worth, self._longest = count, worth, min(lag - 2, LONGEST)
        self._replays = Replays(finest=finest, bit_depth=bit_depth)
        self._trials: list[GopTrial] = []
        self._searched: set[tuple[int, ...]] = set()
        self._outlook: GopOutlook | None = None
        self._mean_bits = 0.0
        self._own = GopShape()
        self._common: tuple[int, ...] = ()
        self._kept: dict[int, EncodeResult] = {}
        self._best: Splice | None = None

    @property
    def best(self) -> Splice:
        """The best that the encodes so far can be made into; there is none before the first `tell`."""
        assert self._best is not None
        return self._best

    @property
    def needed(self) -> frozenset[int]:
        """Numbers of the encodes that the best one is made of, or a later one may be."""
        return frozenset(self._kept)

    def tell(self, number: int, result: EncodeResult) -> None:
        """Takes an encode in.

        Args:
            number: from 1 on.
            result: of the policy's own encode for 1, and of what `next` said for all others.
        """
        if number == 1:
            self._look_out(result)
        if self._tries_gops(number):
            self._trials.append(trial_of(result, self._mean_bits))
        self._kept[number] = result
        self._best, needed = best_splice(self._kept)
        self._kept = {one: encode for one, encode in self._kept.items() if one in needed}
        for told in (result,) if self._best.number is not None else (result, self._best.result):
            self._replays.tell(Candidate.of(number, told), told.records, told.shapes)

    def next(self, number: int) -> tuple[GopShape, ...] | QindexPlan:
        """What candidate `number`, from 2 on, is: the policy with these GOPs, or a plan to play."""
        if not self._tries_gops(number):
            return self._replays.plan(number)
        assert self._outlook is not None
        frames = len(self._outlook.worth)
        if number <= 1 + len(self._common):
            return (dataclasses.replace(self._own, length=self._common[number - 2]),) * frames
        rng = np.random.default_rng(number)
        for _ in range(_DRAWS):
            lengths = tuple(lengths_to_try(self._outlook, self._trials, rng))
            if lengths not in self._searched:
                break
        self._searched.add(lengths)
        return tuple(dataclasses.replace(self._own, length=length) for length in lengths)

    def at_once(self, number: int) -> int:
        """How many candidates from `number` on `next` can be asked for before any of them is told."""
        return max(1, self._last_trial - number + 1) if number > 1 else 1

    def _tries_gops(self, number: int) -> bool:
        return number <= self._last_trial

    @property
    def _last_trial(self) -> int:
        """Number of the last candidate that has GOPs of its own; what comes after it is played again."""
        if self._outlook is None:
            return 0
        replays = max((kept for least, kept in REPLAYS.items() if self._count >= least), default=0)
        return min(self._count - replays, 1 + GOP_TRIALS)

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
        self._common = tuple(
            length for length in LENGTHS if length <= self._longest and not (had_own and length == OWN)
        )
