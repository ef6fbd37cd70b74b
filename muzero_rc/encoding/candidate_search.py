"""Candidate search: what to encode next, from what became of the earlier encodes of a clip.

First the policy's own encode, then some with other GOPs, then the best of them, or the best splice of them,
played again.
"""

from collections.abc import Sequence

from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import EncodeResult
from muzero_rc.encoding.gop_search import WorthAt
from muzero_rc.encoding.gop_trials import GopTrials
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.replays import FINEST, Candidate, Replays
from muzero_rc.encoding.splicing import Splice, best_splice

GOP_TRIALS = 16
"""Candidates with other GOPs, at most."""
REPLAYS = {8: 2}
"""From so many candidates on, how many of them play the best again, which mostly fills the target better."""


class CandidateSearch:
    """Says what one clip's candidates are, one after the other.

    The same numbers and encodes give the same candidates: all is drawn from the candidate's number.
    """

    def __init__(
        self,
        count: int,
        worth: WorthAt,
        *,
        finest: int = FINEST,
        bit_depth: int = 8,
        lag: int = 25,
        rehearsed: Sequence[GopShape] = (),
    ) -> None:
        """Prepares.

        Args:
            count: of candidates.
            worth: of GOPs, as the policy foresees it.
            finest: no qindex is below it.
            bit_depth: of the video.
            lag: frames of look-ahead.
            rehearsed: GOPs of the second one.
        """
        self._count, self._gops = count, GopTrials(worth, lag=lag, rehearsed=rehearsed)
        self._replays = Replays(finest=finest, bit_depth=bit_depth)
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
        if number == 1 or self._tries_gops(number):
            self._gops.tell(result)
        self._kept[number] = result
        self._best, needed = best_splice(self._kept)
        self._kept = {one: encode for one, encode in self._kept.items() if one in needed}
        for told in (result,) if self._best.number is not None else (result, self._best.result):
            self._replays.tell(Candidate.of(number, told), told.records, told.shapes)

    def next(self, number: int) -> tuple[GopShape, ...] | QindexPlan:
        """What candidate `number`, from 2 on, is: the policy with these GOPs, or a plan to play."""
        if not self._tries_gops(number):
            return self._replays.plan(number)
        return self._gops.next(number)

    def at_once(self, number: int) -> int:
        """How many candidates from `number` on `next` can be asked for before any of them is told."""
        return max(1, self._last_trial - number + 1) if number > 1 else 1

    def _tries_gops(self, number: int) -> bool:
        return number <= self._last_trial

    @property
    def _last_trial(self) -> int:
        """Number of the last candidate that has GOPs of its own; what comes after it is played again."""
        if not self._gops.possible:
            return 0
        replays = max((kept for least, kept in REPLAYS.items() if self._count >= least), default=0)
        return min(self._count - replays, 1 + GOP_TRIALS)
