"""File encode: a video file in, an output out; rc-encode without its arguments and printing."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.media.ivf import IvfWriter, ivf_file
from encoder_bridge.media.leaky_bucket import fullest_bits
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.passes import OnProgress, of_pass
from muzero_rc.encoding.qindex_plan import QindexPlan, plan_of_records
from muzero_rc.encoding.rehearsal import Rehearsals
from muzero_rc.encoding.replays import FINEST, Candidate, refill_plan
from muzero_rc.encoding.second_passes import Crew, SecondPasses, second_passes

FILLED = 0.98
"""An encode that used less of its target is made once more, with what is then known of every frame."""
_BEST_VISIBLE = 16

EncodeOnce: TypeAlias = Callable[[IvfWriter], EncodeResult]


@dataclass(frozen=True)
class FileEncode:
    """An output file that is whole.

    Attributes:
        result: of the second pass.
        seconds: wall time of all passes and the muxing.
        file_bytes: of the output, audio and container included.
        notes: what of the source is not in it, in words.
        encodes: second passes made; the output is the best of them.
        parts: that each of them was made of.
        workers: of these at once.
    """

    result: EncodeResult
    seconds: float
    file_bytes: int
    notes: tuple[str, ...] = ()
    encodes: int = 1
    parts: int = 1
    workers: int = 1

    @property
    def at_floor(self) -> bool:
        """Every frame as coarse as VP9 goes, and still over the target: no encode would have fitted."""
        used = self.result.qindexes
        return bool(used) and min(used) >= 255 and self.result.overshoot > 0


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked of an encode beside libvpx's settings.

    Attributes:
        audio: "copy" or "none".
        audio_kbps: audio is coded anew at this bitrate.
        refill: an encode that leaves bits is made once more.
        finest: no frame gets a qindex below it; None leaves that to the policy.
    """

    audio: str = "copy"
    audio_kbps: int | None = None
    refill: bool = False
    finest: int | None = None


@dataclass
class BestEncode:
    """The best second pass so far; its packets are kept, the others' are gone."""

    result: EncodeResult
    writer: IvfWriter
    encodes: int = 1
    kept: ExitStack = field(default_factory=ExitStack)


def encode_file(
    clip: VideoFile,
    output: Output,
    *,
    policy: _native.Policy | None,
    config: EncoderConfig,
    wishes: Wishes | None = None,
    first: FirstPass | None = None,
    crew: Crew | None = None,
    rehearsals: Rehearsals | None = None,
    on_progress: OnProgress | None = None,
) -> FileEncode:
    """Encodes `clip` into `output`, which appears when it is whole.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        policy: from `open_policy`.
        config: the settings; size and frame rate are taken from `clip`.
        wishes: None for the usual ones.
        first: the clip's first pass, where it was made already; see `first_pass_for`.
        crew: who makes the second passes; None is one encoder.
        rehearsals: of the clip, which choose its GOPs; None leaves them to the policy.
        on_progress: see `OnProgress`.

    Raises:
        BadInput: the clip cannot be decoded to its end, or libvpx refuses it.
        EncodeFailed: libvpx or ffmpeg failed, or libvpx never asked for a decision.
    """
    started = time.monotonic()
    wishes = wishes or Wishes()
    config = config_for(clip, config, policy)
    first = first or clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    if policy is None and wishes.finest is not None:
        config = config.replace(min_q=-(-wishes.finest // 4))  # libvpx's outer scale, about
    crew, rehearsals = crew or Crew(), rehearsals or Rehearsals()
    gops = rehearsals.gops(clip, first, config, policy=policy, workers=crew.workers, on_progress=on_progress)
    passes = second_passes(clip, first, config, policy, crew, gops)
    with ExitStack() as stack:
        best = best_encode(clip, passes, config, wishes=wishes, stack=stack, on_progress=on_progress)
        size, notes = write_output(
            best.writer,
            clip,
            output,
            frames=best.result.frames,
            audio=wishes.audio,
            audio_kbps=wishes.audio_kbps,
        )
    passes.done()
    return FileEncode(
        best.result, time.monotonic() - started, size, notes, best.encodes, passes.parts, passes.workers
    )


def config_for(clip: VideoFile, config: EncoderConfig, policy: _native.Policy | None) -> EncoderConfig:
    """The settings for a clip's frames."""
    config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
    return config.replace(quick=0) if policy is None else config  # libvpx would not read the notes


def best_encode(
    clip: VideoFile,
    passes: SecondPasses,
    config: EncoderConfig,
    *,
    wishes: Wishes,
    stack: ExitStack,
    on_progress: OnProgress | None = None,
) -> BestEncode:
    """A second pass, and another one where the first left bits or went below the finest qindex.

    Args:
        clip: as for `encode_file`.
        passes: of the clip; libvpx's own rate control is not encoded again.
        config: from `config_for`, with the target.
        wishes: as for `encode_file`.
        stack: the packets are there until it is closed.
        on_progress: the encodes are passes 2 and 3.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    kept = stack.enter_context(ExitStack())
    writer = kept.enter_context(ivf_file(clip))
    result = passes.encode(config, writer, of_pass(2, on_progress))
    best = BestEncode(result, writer, kept=kept)
    plan = _another(result, wishes, in_parts=passes.parts > 1) if len(result.records) else None
    if plan is None:
        return best
    again = stack.enter_context(ExitStack())
    writer = again.enter_context(ivf_file(clip))
    result = passes.play(config, writer, plan, best.result, of_pass(3, on_progress))
    best.encodes = 2
    too_fine = wishes.finest is not None and min(best.result.qindexes) < wishes.finest
    bursts = peak_used(result, clip) > max(1.0, peak_used(best.result, clip))
    if too_fine or (not bursts and Candidate.of(2, result).beats(Candidate.of(1, best.result))):
        best.kept.close()
        best = BestEncode(result, writer, 2, again)
    return best


def _another(result: EncodeResult, wishes: Wishes, *, in_parts: bool) -> QindexPlan | None:
    """What to play after a first encode; None where that is as it should be.

    A part cannot save what another one took too much.
    """
    finest = FINEST if wishes.finest is None else wishes.finest
    if min(result.qindexes) < finest:
        return coarsened(result, finest)
    if in_parts and result.overshoot > 0:
        return refill_plan(Candidate.of(1, result), result, finest=finest)
    if not wishes.refill or result.fill >= FILLED or is_capped(result, finest):
        return None
    return refill_plan(Candidate.of(1, result), result, finest=finest)


def coarsened(result: EncodeResult, finest: int) -> QindexPlan:
    """An encode's qindexes, none below `finest`."""
    return plan_of_records(result.records, np.maximum(result.qindexes, finest), result.shapes)


def is_capped(result: EncodeResult, finest: int) -> bool:
    """Whether more bits would be wasted: nobody sees them, or nobody wants them."""
    return float(np.mean(result.qindexes)) <= max(best_visible(result.config.bit_depth), finest)


def best_visible(bit_depth: int) -> int:
    """The qindex beyond which nobody sees a difference; a clip that needs less is not blown up.

    More bits have finer steps at the same qindex: it is the one with the step of 8 bits' 16.
    """
    wanted = _native.quantizer_steps()[_BEST_VISIBLE]
    return int(np.argmin(np.abs(np.array(_native.quantizer_steps(bit_depth)) - wanted)))


def peak_used(result: EncodeResult, clip: VideoFile) -> float:
    """What share of its buffer an encode used at most; 0 where it was held to no peak."""
    config = result.config
    if not config.max_kbps:
        return 0.0
    packets = zip(map(int, result.shown["bytes"]), clip.shown_seconds, strict=False)
    return fullest_bits(packets, config.max_kbps) / (1000 * config.buffer_kbits)


def mean_qindex(result: EncodeResult) -> float | None:
    """Mean over coded frames; None for libvpx's own rate control, which does not tell."""
    return float(np.mean(result.qindexes)) if result.qindexes else None
