"""Rehearsals: encodes of a clip in miniature, which show what GOPs it has best before it is encoded.

What the lengths of GOPs are worth cannot be foreseen well, but it carries over from small pictures to large
ones. So the clip is encoded several times at half its width and height, with key frames where the clip
itself will have them, and the GOPs that did best from each key frame to the next are those of the one encode
that counts.
"""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass, with_notes_of
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.scratch import scratch_file
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.gop_search import WorthAt, worth_of
from muzero_rc.encoding.gop_trials import GopTrials
from muzero_rc.encoding.passes import OnProgress
from muzero_rc.encoding.splicing import best_gops
from muzero_rc.encoding.workers import Told, run_all, usual_workers

SIDE = 2
"""Luma pixels a side that become one."""
CPU_USED = 4
"""Of a rehearsal, or faster where the encode itself is: at this size 5 takes as long, and tells less."""
RATE_POWER = 0.65
"""Bits are as pixels to this power at one quantizer step: medians over 16 training clips at two rates were
0.63 at half and 0.67 at a third of the sides, one clip in ten below 0.5 or above 0.8."""
LEAST_SIDE = 32
_BLOCK_BYTES = 1 << 20

Rehearse = Callable[[Sequence[tuple[GopShape, ...] | None]], Sequence[EncodeResult]]
"""Encodes the miniature with each of these GOPs; None: with the policy's own."""


def rehearsed_gops(rehearse: Rehearse, worth: WorthAt, count: int, *, lag: int = 25) -> GopPlan | None:
    """The GOPs that did best.

    Args:
        rehearse: encodes.
        worth: of GOPs, as the policy foresees it.
        count: of rehearsals, 2 or more.
        lag: frames of look-ahead.

    Returns:
        From each key frame to the next those of the best rehearsal; None where no GOPs can be chosen.
    """
    trials, made = GopTrials(worth, lag=lag), [*rehearse([None])]
    trials.tell(made[0])
    if not trials.possible:
        return None
    while len(made) < count:
        number = len(made) + 1
        end = min(max(trials.common + 1, number), count)  # what is common waits for nothing
        results = rehearse([trials.next(one) for one in range(number, end + 1)])
        for result in results:
            trials.tell(result)
        made += results
    return best_gops(made)


def miniature(clip: VideoFile, side: int = SIDE) -> VideoFile:
    """The clip, so many times less wide and high."""
    width, height = (max(LEAST_SIDE, length // side // 2 * 2) for length in (clip.width, clip.height))
    return dataclasses.replace(clip, width=width, height=height)


def miniature_config(config: EncoderConfig, clip: VideoFile, small: VideoFile) -> EncoderConfig:
    """The settings of its rehearsals: about the clip's quantizer steps, and no peaks."""
    share = (small.width * small.height / (clip.width * clip.height)) ** RATE_POWER
    settings = config.for_video(small.width, small.height, small.fps, small.bit_depth)
    return settings.replace(
        target_kbps=min(max(1, round(share * config.target_kbps)), settings.raw_kbps),
        cpu_used=max(CPU_USED, config.cpu_used),
        max_kbps=0,
        buffer_kbits=0,
    )


@contextmanager
def rehearser(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    *,
    policy: _native.Policy,
    side: int = SIDE,
    workers: int | None = 1,
    progress: Told | None = None,
) -> Iterator[Rehearse]:
    """Who rehearses a video file at one target. The miniature's raw frames are in a scratch file meanwhile.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        first: its first pass.
        config: with its size, frame rate and target.
        policy: that it will be encoded under.
        side: of the clip's luma pixels that become one.
        workers: rehearsals at once, which changes nothing of them; None is by cores and memory.
        progress: of those that are made together.

    Raises:
        BadInput: the clip cannot be decoded to its end, or libvpx refuses it; also when it rehearses.
        EncodeFailed: libvpx or ffmpeg failed, likewise.
        OSError: the disk is full, or fails otherwise.
    """
    small = miniature(clip, side)
    settings = miniature_config(config, clip, small)
    workers = usual_workers(settings) if workers is None else workers
    with _raw_frames(small) as path:
        with path.open("rb") as frames:
            noted = with_notes_of(first, first_pass(frames, settings))

        def job(shapes: tuple[GopShape, ...] | None) -> Callable[[Told], EncodeResult]:
            def run(told: Told) -> EncodeResult:
                with path.open("rb") as frames:
                    return encode(frames, noted, settings, policy=policy, shapes=shapes, progress=told)

            return run

        yield lambda every: run_all([job(shapes) for shapes in every], workers, progress)


@contextmanager
def _raw_frames(clip: VideoFile) -> Iterator[Path]:
    """A scratch file with a clip's frames, back to back."""
    with scratch_file(".yuv") as (file, path):
        with open_frames(clip) as pipe:
            shutil.copyfileobj(pipe.stdout, file, _BLOCK_BYTES)
            pipe.check(file.tell() // clip.frame_bytes)
        file.flush()
        yield path


def rehearse_clip(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    *,
    policy: _native.Policy | None,
    count: int,
    workers: int | None = 1,
    on_progress: OnProgress | None = None,
) -> GopPlan | None:
    """The GOPs that a video file has best at one target.

    Args:
        clip: as for `rehearser`.
        first: likewise.
        config: likewise.
        policy: None is libvpx's own rate control, which takes no GOPs.
        count: of rehearsals; below 2 there is nothing to choose from.
        workers: likewise.
        on_progress: see `OnProgress`; all rehearsals together are pass 0.

    Returns:
        None where no GOPs can be chosen.

    Raises:
        BadInput, EncodeFailed, OSError: as `rehearser`.
    """
    if policy is None or count < 2:
        return None
    ended = 0

    def told(progress: Progress) -> None:
        if on_progress is not None:
            before = ended * clip.frames
            on_progress(0, Progress(before + progress.frames, before + progress.packets, progress.bits))

    with rehearser(clip, first, config, policy=policy, workers=workers, progress=told) as rehearse:

        def counted(every: Sequence[tuple[GopShape, ...] | None]) -> Sequence[EncodeResult]:
            nonlocal ended
            results = rehearse(every)
            ended += len(results)
            return results

        return rehearsed_gops(counted, worth_of(policy, first.stats), count, lag=config.lag_in_frames)


def shared_targets(targets: Iterable[int]) -> dict[int, int]:
    """At which of these targets to rehearse for each of them: one within a factor of two.

    What GOPs are worth at one of two targets an octave apart they are worth at the other
    (docs/experiments/0052).
    """
    at: dict[int, int] = {}
    ordered = sorted(set(targets))
    for target in ordered:
        if target in at:
            continue
        middle = max(one for one in ordered if one <= 2 * target)
        at |= {one: middle for one in ordered if target <= one <= 2 * middle}
    return at


class Rehearsals:
    """One clip's rehearsals, for encodes at one or several targets."""

    def __init__(self, count: int = 0, targets: Iterable[int] = ()) -> None:
        """Prepares.

        Args:
            count: of rehearsals at a target; below 2 there are none.
            targets: in kbps, those that may share; any other has its own.
        """
        self._count, self._at = count, shared_targets(targets)
        self._made: dict[int, GopPlan | None] = {}

    def gops(
        self,
        clip: VideoFile,
        first: FirstPass,
        config: EncoderConfig,
        *,
        policy: _native.Policy | None,
        workers: int | None = 1,
        on_progress: OnProgress | None = None,
    ) -> GopPlan | None:
        """As `rehearse_clip`, which takes the same and a count."""
        at = self._at.get(config.target_kbps, config.target_kbps)
        if at not in self._made:
            config = config.replace(target_kbps=at)
            self._made[at] = rehearse_clip(
                clip,
                first,
                config,
                policy=policy,
                count=self._count,
                workers=workers,
                on_progress=on_progress,
            )
        return self._made[at]
