"""Replays: an encode played again, its qindexes moved, from what became of the earlier ones.

What would change in the rate is taken back by one shift of all frames, which also spends what the best
encode left of its budget. A replay without noise does nothing else.
"""

import math
from dataclasses import dataclass

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.media.psnr import USUAL_SLOPE_DB
from muzero_rc.encoding.noise import NoiseConfig, StructuredNoise
from muzero_rc.encoding.qindex_plan import QindexPlan, plan_of_records
from muzero_rc.types import Array

NOISE = NoiseConfig(layer=4.0, scale_range=2.0)
"""Of the layers alone: on training clips, noise of GOPs or a drift beside it brought less for each encode."""
AIM = 0.995
"""Rate over target that plans are made for: it comes out within one per cent, and more than 1 is lost."""
FULL = 0.99
"""A first encode that filled its target less is played again without noise, for the bits that are left."""
FINEST = 1
"""The finest qindex that a policy may take."""
_WIDEST_SHIFT = 128.0
_LEAST_SPREAD = 2.0
"""Qindexes between the layers that gain and those that lose; with less an encode would be played again."""
_DRAWS = 8


@dataclass(frozen=True)
class Candidate:
    """One encode and what it came to.

    Attributes:
        number: from 1.
        target_kbps: asked for.
        kbps: of all packets.
        psnr_y_db: mean over shown frames of luma PSNR, each at most 60 dB.
        guarded: decisions that the guard changed.
    """

    number: int
    target_kbps: int
    kbps: float
    psnr_y_db: float
    guarded: int = 0

    @property
    def fill(self) -> float:
        """Rate over target."""
        return self.kbps / self.target_kbps

    @property
    def fits(self) -> bool:
        """Whether the target is kept."""
        return self.kbps <= self.target_kbps

    @staticmethod
    def of(number: int, result: EncodeResult) -> "Candidate":
        """What an encode came to."""
        return Candidate(number, result.config.target_kbps, result.kbps, result.psnr_y_db, result.guarded)

    @property
    def worth_db(self) -> float:
        """PSNR at the target, had it been filled: what to go on from, when what is left will be spent."""
        return self.psnr_y_db - USUAL_SLOPE_DB * math.log(self.fill)

    def beats(self, other: "Candidate") -> bool:
        """Higher PSNR among those that fit; lower rate among those that do not."""
        if self.fits != other.fits:
            return self.fits
        return self.psnr_y_db > other.psnr_y_db if self.fits else self.kbps < other.kbps


class Replays:
    """Makes one clip's plans, one after the other, from what became of the earlier ones.

    The same numbers and encodes give the same plans: noise is drawn from the candidate's number.
    """

    def __init__(self, noise: NoiseConfig = NOISE, *, finest: int = FINEST, bit_depth: int = 8) -> None:
        """Args: noise: its deviations in qindex; finest: no qindex is below it; bit_depth: of the video."""
        self._noise_config = noise
        self._finest = finest
        self._steps = np.array(_native.quantizer_steps(bit_depth))
        self._base: Candidate | None = None
        self._replays = 0
        self._records: Array = np.zeros(0)
        self._shapes: tuple[GopShape, ...] = ()
        self._seed = 0
        self._sign = 0

    @property
    def _from(self) -> Candidate:
        """What plans are made of."""
        assert self._base is not None
        return self._base

    def tell(self, candidate: Candidate, records: Array, shapes: tuple[GopShape, ...] = ()) -> None:
        """Takes an encode in.

        Args:
            candidate: the first encode, then what became of plans, encodes with other GOPs, and splices.
            records: its native records.
            shapes: of its GOPs, as asked for.
        """
        if self._base is None or self._leads(candidate, self._base):
            self._base, self._records, self._shapes = candidate, records, shapes
            self._sign = 0

    def _leads(self, candidate: Candidate, base: Candidate) -> bool:
        """Whether to go on from it: before anything was played again, whatever the shapes left unused."""
        if self._replays or not (candidate.fits and base.fits):
            return candidate.beats(base)
        return candidate.worth_db > base.worth_db

    def plan(self, number: int, *, noise: bool = True) -> QindexPlan:
        """What candidate `number`, from 2 on, plays; without noise it only spends what is left."""
        self._replays += 1
        coded = self._records[self._records["frame_type"] >= 0]
        moved = coded["qindex"] + (self._noise(number, coded) if noise else 0.0)
        moved += self._shift(coded, moved)
        # A shift of half a qindex moves every other frame.
        moved += np.random.default_rng(number).uniform(-0.5, 0.5, len(coded))
        return plan_of_records(self._records, np.maximum(moved, self._finest), self._shapes)

    def _noise(self, number: int, coded: Array) -> Array:
        """What is added to each coded frame's qindex."""
        if self._replays == 1 and self._from.fill < FULL:
            return np.zeros(len(coded))
        if self._sign == 1:
            self._sign = -1
        else:
            self._seed, self._sign = number, 1
        for draw in range(_DRAWS):
            seed, frames = f"candidate {self._seed} draw {draw}", 1 + int(coded["show_index"].max())
            noise = StructuredNoise(seed, self._noise_config, frames)
            offsets = np.array([noise.of(record) for record in coded], np.float64)
            if np.ptp(offsets) >= _LEAST_SPREAD:
                break
        return self._sign * offsets

    def _shift(self, coded: Array, moved: Array) -> float:
        """What all frames are moved by for the rate to be `AIM` times the target.

        A frame has half the bits at twice the quantizer step: measured, when all frames move, and off by
        one per cent of the rate at noise of this size.
        """
        bits, before = coded["bits"].astype(np.float64), self._steps[coded["qindex"]]
        wanted = AIM / self._from.fill * bits.sum()
        low, high = -_WIDEST_SHIFT, _WIDEST_SHIFT
        for _ in range(20):
            middle = 0.5 * (low + high)
            steps = np.interp(moved + middle, np.arange(len(self._steps)), self._steps)
            if float(bits @ np.exp2(before - steps)) > wanted:
                low = middle
            else:
                high = middle
        return high


def refill_plan(candidate: Candidate, result: EncodeResult, *, finest: int = FINEST) -> QindexPlan:
    """An encode's qindexes, all moved by what spends its target.

    Args:
        candidate: what the encode came to, and the target to spend.
        result: the encode.
        finest: no qindex is below it.
    """
    replays = Replays(finest=finest, bit_depth=result.config.bit_depth)
    replays.tell(candidate, result.records, result.shapes)
    return replays.plan(2, noise=False)
