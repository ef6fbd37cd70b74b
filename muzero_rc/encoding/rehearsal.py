"""Rehearsals: encodes of a clip in miniature, which show what GOPs it has best before it is encoded.

What the lengths of GOPs are worth cannot be foreseen well, but it carries over from small pictures to large
ones. So the clip is encoded several times at a third of its width and height, with key frames where the clip
itself will have them, and the GOPs that did best from each key frame to the next are those of the one encode
that counts.
"""

import dataclasses
from collections.abc import Callable

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass, with_notes_of
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.gop_search import WorthAt, worth_of
from muzero_rc.encoding.gop_trials import GopTrials
from muzero_rc.encoding.passes import NoPackets, OnProgress, second_pass
from muzero_rc.encoding.splicing import best_gops

SIDE = 3
"""Luma pixels a side that become one."""
CPU_USED = 4
"""Of a rehearsal, or faster where the encode itself is: at this size 5 takes as long, and tells less."""
RATE_POWER = 0.65
"""Bits are as pixels to this power at one quantizer step: medians over 16 training clips at two rates were
0.63 at half and 0.67 at a third of the sides, one clip in ten below 0.5 or above 0.8."""
LEAST_SIDE = 32

Rehearse = Callable[[tuple[GopShape, ...] | None], EncodeResult]
"""Encodes the miniature with these GOPs; None: with the policy's own."""


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
    trials, made = GopTrials(worth, lag=lag), [rehearse(None)]
    trials.tell(made[0])
    if not trials.possible:
        return None
    for number in range(2, count + 1):
        made.append(rehearse(trials.next(number)))
        trials.tell(made[-1])
    return best_gops(made)


def miniature(clip: VideoFile, side: int = SIDE) -> VideoFile:
    """The clip, so many times less wide and high."""
    width, height = (max(LEAST_SIDE, length // side // 2 * 2) for length in (clip.width, clip.height))
    return dataclasses.replace(clip, width=width, height=height)


def miniature_config(config: EncoderConfig, clip: VideoFile, small: VideoFile) -> EncoderConfig:
    """The settings of its rehearsals: about the clip's quantizer steps, and no peaks."""
    share = (small.width * small.height / (clip.width * clip.height)) ** RATE_POWER
    return config.for_video(small.width, small.height, small.fps, small.bit_depth).replace(
        target_kbps=max(1, round(share * config.target_kbps)),
        cpu_used=max(CPU_USED, config.cpu_used),
        max_kbps=0,
        buffer_kbits=0,
    )


def rehearser(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    *,
    policy: _native.Policy,
    side: int = SIDE,
    progress: Callable[[Progress], None] | None = None,
) -> Rehearse:
    """Who rehearses a video file at one target.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        first: its first pass.
        config: with its size, frame rate and target.
        policy: that it will be encoded under.
        side: of the clip's luma pixels that become one.
        progress: of each rehearsal.

    Raises:
        BadInput: the clip cannot be decoded to its end, or libvpx refuses it; also when it rehearses.
        EncodeFailed: libvpx or ffmpeg failed, likewise.
    """
    small = miniature(clip, side)
    settings = miniature_config(config, clip, small)
    noted = with_notes_of(first, clip_first_pass(small, settings))

    def rehearse(shapes: tuple[GopShape, ...] | None) -> EncodeResult:
        return second_pass(
            small, noted, settings, NoPackets(), policy=policy, shapes=shapes, progress=progress
        )

    return rehearse


def rehearse_clip(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    *,
    policy: _native.Policy | None,
    count: int,
    on_progress: OnProgress | None = None,
) -> GopPlan | None:
    """The GOPs that a video file has best at one target.

    Args:
        clip: as for `rehearser`.
        first: likewise.
        config: likewise.
        policy: None is libvpx's own rate control, which takes no GOPs.
        count: of rehearsals; below 2 there is nothing to choose from.
        on_progress: see `OnProgress`; all rehearsals together are pass 0.

    Returns:
        None where no GOPs can be chosen.

    Raises:
        BadInput, EncodeFailed: as `rehearser`.
    """
    if policy is None or count < 2:
        return None
    ended = 0

    def told(progress: Progress) -> None:
        if on_progress is not None:
            before = ended * clip.frames
            on_progress(0, Progress(before + progress.frames, before + progress.packets, progress.bits))

    encode = rehearser(clip, first, config, policy=policy, progress=told)

    def rehearse(shapes: tuple[GopShape, ...] | None) -> EncodeResult:
        nonlocal ended
        result = encode(shapes)
        ended += 1
        return result

    return rehearsed_gops(rehearse, worth_of(policy, first.stats), count, lag=config.lag_in_frames)
