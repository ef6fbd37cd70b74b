"""Candidates: several encodes of one clip at one target, the best of which is kept.

The first candidate is the policy's own encode. Each other one plays the best encode so far again, its
qindexes moved by noise that all frames of a layer share. What the noise would change in the rate is taken
back by one shift of all frames, which also spends what the best encode left of its budget; the guard in C
stands behind it. Noise that was no good is played once more with its sign turned.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.pool import STALL_S
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.session import Session
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.ivf import IvfWriter, ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.file_encode import FileEncode, OnProgress, of_pass, second_pass
from muzero_rc.encoding.noise import NoiseConfig, StructuredNoise
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, plan_of_records
from muzero_rc.types import Array

NOISE = NoiseConfig(layer=4.0, scale_range=2.0)
"""Of the layers alone: on training clips, noise of GOPs or a drift beside it brought less for each encode."""
AIM = 0.995
"""Rate over target that plans are made for: it comes out within one per cent, and more than 1 is lost."""
FULL = 0.99
"""A first encode that filled its target less is played again without noise, for the bits that are left."""
_WIDEST_SHIFT = 128.0
_LEAST_SPREAD = 2.0
"""Qindexes between the layers that gain and those that lose; with less an encode would be played again."""
_DRAWS = 8
_TICK_S = 0.2


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

    def beats(self, other: "Candidate") -> bool:
        """Higher PSNR among those that fit; lower rate among those that do not."""
        if self.fits != other.fits:
            return self.fits
        return self.psnr_y_db > other.psnr_y_db if self.fits else self.kbps < other.kbps


class CandidateSearch:
    """Makes one clip's plans, one after the other, from what became of the earlier ones.

    The same numbers and encodes give the same plans: noise is drawn from the candidate's number.
    """

    def __init__(self, noise: NoiseConfig = NOISE) -> None:
        """Args: noise: its deviations in qindex."""
        self._noise_config = noise
        self._steps = np.array(_native.quantizer_steps())
        self._best: Candidate | None = None
        self._records: Array = np.zeros(0)
        self._shapes: tuple[GopShape, ...] = ()
        self._seed = 0
        self._sign = 0

    @property
    def best(self) -> Candidate:
        """The best so far; there is none before the first `tell`."""
        assert self._best is not None
        return self._best

    def tell(self, candidate: Candidate, records: Array, shapes: tuple[GopShape, ...] = ()) -> bool:
        """Takes an encode in; whether it is the best so far.

        Args:
            candidate: 1 first, then those whose plans were asked for.
            records: its native records.
            shapes: of its GOPs, as asked for.
        """
        better = self._best is None or candidate.beats(self._best)
        if better:
            self._best, self._records, self._shapes = candidate, records, shapes
            self._sign = 0
        return better

    def plan(self, number: int) -> QindexPlan:
        """What candidate `number`, from 2 on, plays."""
        coded = self._records[self._records["frame_type"] >= 0]
        moved = coded["qindex"] + self._noise(number, coded)
        moved += self._shift(coded, moved)
        # A shift of half a qindex moves every other frame.
        moved += np.random.default_rng(number).uniform(-0.5, 0.5, len(coded))
        return plan_of_records(self._records, moved, self._shapes)

    def _noise(self, number: int, coded: Array) -> Array:
        """What is added to each coded frame's qindex."""
        if number == 2 and self.best.fill < FULL:
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
        wanted = AIM / self.best.fill * bits.sum()
        low, high = -_WIDEST_SHIFT, _WIDEST_SHIFT
        for _ in range(20):
            middle = 0.5 * (low + high)
            steps = np.interp(moved + middle, np.arange(len(self._steps)), self._steps)
            if float(bits @ np.exp2(before - steps)) > wanted:
                low = middle
            else:
                high = middle
        return high


@dataclass(frozen=True)
class Contest:
    """The output file, and the candidates that it was chosen from.

    Attributes:
        done: the winner's encode; its seconds are those of all.
        candidates: in the order in which they were made.
        winner: among them.
    """

    done: FileEncode
    candidates: tuple[Candidate, ...]
    winner: Candidate

    @property
    def gain_db(self) -> float:
        """The winner's PSNR over the first candidate's, which is the policy's own encode."""
        return self.winner.psnr_y_db - self.candidates[0].psnr_y_db


def encode_best(
    clip: VideoFile,
    output: Output,
    *,
    count: int,
    policy: _native.Policy,
    config: EncoderConfig,
    audio: str = "copy",
    on_progress: OnProgress | None = None,
) -> Contest:
    """Encodes `clip` `count` times; `output` appears with the best when all are done.

    The best encode's packets and the present one's are kept in temporary files, nothing else.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        count: of candidates, 1 or more.
        policy: the first candidate's.
        config: the settings; size and frame rate are taken from `clip`.
        audio: "copy" or "none".
        on_progress: see `OnProgress`; candidate i is pass 1 + i.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    started = time.monotonic()
    config = config.for_video(clip.width, clip.height, clip.fps)
    first = clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    search = CandidateSearch()
    tried = []
    with ExitStack() as kept:
        for number in range(1, count + 1):
            progress = of_pass(1 + number, on_progress)
            with ExitStack() as current:
                writer = current.enter_context(ivf_file(clip))
                if number == 1:
                    result = second_pass(clip, first, config, writer, policy=policy, progress=progress)
                else:
                    result = _played(clip, first, config, writer, search.plan(number), progress)
                tried.append(_candidate(number, result))
                if search.tell(tried[-1], result.records, result.shapes):
                    kept.close()  # the last best one's file goes
                    kept.enter_context(current.pop_all())
                    best, packets = result, writer
        size, notes = write_output(packets, clip, output, frames=best.frames, audio=audio)
    done = FileEncode(best, time.monotonic() - started, size, notes)
    return Contest(done, tuple(tried), search.best)


def _candidate(number: int, result: EncodeResult) -> Candidate:
    return Candidate(number, result.config.target_kbps, result.kbps, result.psnr_y_db, result.guarded)


def _played(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    writer: IvfWriter,
    plan: QindexPlan,
    progress: Callable[[Progress], None] | None,
) -> EncodeResult:
    """A second pass that follows a plan under the guard; all packets are in `writer`'s file afterwards."""
    follower, told, shapes = PlanFollower(plan), 0.0, plan.shapes or None
    with (
        open_frames(clip) as frames,
        Session(frames, first, config, shapes=shapes, keep_packets=True, timeout_s=STALL_S) as session,
    ):
        while (request := session.request()) is not None:
            session.answer(follower.answer(vars(request)))
            writer.write(session.packets())
            if progress is not None and time.monotonic() - told > _TICK_S:
                progress(session.progress())
                told = time.monotonic()
        writer.write(session.packets())
        result = session.result()
        frames.check(result.frames)
    writer.flush()
    return result
