"""Target size: an output of at most so many bytes, audio and container included."""

import os
import time
from contextlib import ExitStack
from dataclasses import replace

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.errors import BadInput
from encoder_bridge.media.ivf import IvfWriter, ivf_file
from encoder_bridge.media.mux import other_bytes, write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.file_encode import (
    BestEncode,
    FileEncode,
    Wishes,
    best_visible,
    coarsened,
    config_for,
    is_capped,
)
from muzero_rc.encoding.passes import OnProgress, of_pass
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.rehearsal import Rehearsals
from muzero_rc.encoding.replays import Candidate, refill_plan
from muzero_rc.encoding.second_passes import Crew, second_passes

_TRIES = 5
_FULL = 0.99
COARSEST = 255
_BYTES_PER_FRAME, _BYTES = 8, 600
"""Of containers: a guess for the first try; the second one knows."""


def encode_to_size(
    clip: VideoFile,
    output: Output,
    *,
    limit_bytes: int,
    policy: _native.Policy | None,
    config: EncoderConfig,
    wishes: Wishes,
    crew: Crew | None = None,
    rehearsals: Rehearsals | None = None,
    on_progress: OnProgress | None = None,
) -> FileEncode:
    """Encodes `clip` into an output that is never above `limit_bytes`, and as close below as can be.

    A clip that needs less is not blown up: no qindex is below `wishes.finest`, by default `best_visible`.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        limit_bytes: of the whole output.
        policy: from `open_policy`.
        config: the settings; the target is computed.
        wishes: as for `encode_file`.
        crew: as for `encode_file`.
        rehearsals: as for `encode_file`.
        on_progress: see `OnProgress`.

    Raises:
        BadInput: not even the coarsest encode fits, or as `encode_file`.
        EncodeFailed: as `encode_file`.
    """
    started = time.monotonic()
    finest = best_visible(clip.bit_depth) if wishes.finest is None else wishes.finest
    config = config_for(clip, config, policy)
    if policy is None:
        config = config.replace(min_q=-(-finest // 4))  # libvpx's outer scale, about
    sound = other_bytes(clip, output.container, audio=wishes.audio, audio_kbps=wishes.audio_kbps)
    around = sound + _BYTES_PER_FRAME * clip.frames + _BYTES
    first = clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    target, plan, best = _kbps(limit_bytes - around, clip, config), None, None
    crew, rehearsals = crew or Crew(), rehearsals or Rehearsals()
    settings = config.replace(target_kbps=target)
    gops = rehearsals.gops(
        clip, first, settings, policy=policy, workers=crew.workers, on_progress=on_progress
    )
    passes = second_passes(clip, first, config, policy, crew, gops)
    best_too_fine = False
    with ExitStack() as stack:
        for number in range(1, _TRIES + 1):
            writer = stack.enter_context(ivf_file(clip))
            progress, settings = of_pass(1 + number, on_progress), config.replace(target_kbps=target)
            if plan is None:
                result = passes.encode(settings, writer, progress)
            else:
                result = passes.play(settings, writer, plan, result, progress)
            dropped = Output(os.devnull, None, output.container)
            size, _ = _written(writer, clip, dropped, result.frames, wishes)
            too_fine = policy is not None and min(result.qindexes) < finest
            better = best is None or best_too_fine or result.psnr_y_db > best.result.psnr_y_db
            if size <= limit_bytes and better:
                best, best_too_fine = BestEncode(result, writer), too_fine
            if _is_enough(size, limit_bytes, number, result, finest, has_policy=policy is not None):
                break
            exact = _kbps(limit_bytes - (size - writer.packet_bytes), clip, config)
            if size > limit_bytes:  # what an encode went over its target by, it goes over the next one's
                exact = max(1, min(int(exact / max(1.0, result.fill)), target - 1))
            target = exact
            if policy is not None:
                plan = _next_plan(result, target, finest)
        if best is None:
            raise BadInput(
                f"{clip.name} does not fit into {limit_bytes} bytes: {size} is the least; ask for more, for "
                "fewer frames or for a smaller picture (--filter scale=-2:240)"
            )
        size, notes = _written(best.writer, clip, output, best.result.frames, wishes)
    passes.done()
    return FileEncode(
        best.result, time.monotonic() - started, size, notes, number, passes.parts, passes.workers
    )


def _written(
    writer: IvfWriter, clip: VideoFile, output: Output, frames: int, wishes: Wishes
) -> tuple[int, tuple[str, ...]]:
    return write_output(writer, clip, output, frames=frames, audio=wishes.audio, audio_kbps=wishes.audio_kbps)


def _is_enough(
    size: int, limit: int, number: int, result: EncodeResult, finest: int, *, has_policy: bool
) -> bool:
    """Whether another encode would bring nothing."""
    if size > limit:
        return bool(result.qindexes) and min(result.qindexes) >= COARSEST
    if not has_policy or number > 1 or size >= _FULL * limit:
        return not has_policy or min(result.qindexes) >= finest
    return is_capped(result, finest) and min(result.qindexes) >= finest


def _next_plan(result: EncodeResult, target: int, finest: int) -> QindexPlan:
    """The same encode with no qindex too fine, or moved to where it spends its target."""
    if min(result.qindexes) < finest:
        return coarsened(result, finest)
    tried = replace(Candidate.of(1, result), target_kbps=target)
    return refill_plan(tried, result, finest=finest)


def _kbps(video_bytes: int, clip: VideoFile, config: EncoderConfig) -> int:
    """The target that spends so many bytes on all packets."""
    kbps = int(8 * max(0, video_bytes) / clip.seconds / 1000)
    return min(max(1, kbps), config.raw_kbps)
