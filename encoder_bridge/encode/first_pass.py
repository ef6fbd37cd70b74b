"""First passes: libvpx's statistics of a clip, made once and kept."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode import first_pass_cache as cache
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.pool import STALL_S, EncoderPool, PoolFactory
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.encode.waiting import (
    FrameSource,
    Progress,
    as_native_source,
    native_errors,
    pool_of_one,
    raise_failure,
    wait_for_end,
)
from encoder_bridge.errors import BridgeError
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.probe import VideoFile

_DURATION = 23
"""Of a frame's statistics: ticks that it is shown; what follows the point is a note's."""
_TICKS_PER_S = 10_000_000
_NOTED = (0, 15, 20, 21, _DURATION, 24)
"""Of a frame's statistics: those whose last bits are notes, of the probe encodes and the lookahead."""


def first_pass(
    source: FrameSource,
    config: EncoderConfig,
    *,
    progress: Callable[[Progress], None] | None = None,
    new_pool: PoolFactory = _native.Pool,
    stall_s: float = STALL_S,
) -> FirstPass:
    """Runs libvpx's first pass over all of `source`.

    Raises:
        BadInput: a source without frames, or of another size than `config`.
        EncodeFailed: libvpx refuses or fails.
        WaitExpired: no progress for `stall_s` seconds.
    """
    with pool_of_one(new_pool) as pool, native_errors():
        pool.start(0, config.as_native(), as_native_source(source, config), mode="libvpx")
        wait_for_end(pool, progress, None, stall_s)
        raise_failure(pool.outcome(0))
        return first_pass_of(pool, pool.stats(0))


def first_pass_of(pool: EncoderPool, blob: bytes) -> FirstPass:
    """Reads libvpx's blob.

    Raises:
        EncodeFailed: it is none.
    """
    with native_errors():
        stats = np.frombuffer(pool.frame_stats(blob), np.float64).reshape(-1, 25)
    return FirstPass(blob, stats)


def with_durations(first: FirstPass, seconds: Sequence[float]) -> FirstPass:
    """The statistics of a clip whose frames are not shown equally long; what is noted in them stays.

    Args:
        first: of the clip, made at its mean frame rate.
        seconds: that each frame is shown.
    """
    records = np.frombuffer(first.blob, np.float64).reshape(first.frames + 1, -1).copy()  # and their sum
    noted = records[:-1, _DURATION] % 1
    records[:-1, _DURATION] = np.maximum(1, np.round(np.asarray(seconds) * _TICKS_PER_S)) + noted
    return FirstPass(records.tobytes(), records[:-1, : first.stats.shape[1]])


def with_notes_of(first: FirstPass, noted: FirstPass) -> FirstPass:
    """The statistics of a clip, with what was noted of another size of it: GOPs and key frames stay its own.

    Args:
        first: of the clip.
        noted: of the same frames at another size.

    Raises:
        ValueError: they have not as many frames.
    """
    if first.frames != noted.frames:
        raise ValueError(f"{noted.frames} frames at another size, where the clip has {first.frames}")
    records = np.frombuffer(first.blob, np.float64).reshape(first.frames + 1, -1).copy()
    records[:-1, _NOTED] = noted.stats[:, _NOTED]
    return FirstPass(records.tobytes(), records[:-1, : first.stats.shape[1]])


def clip_first_pass(
    clip: VideoFile,
    config: EncoderConfig,
    *,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> FirstPass:
    """The first pass of a video file, from the cache when it is there.

    Args:
        clip: see `encoder_bridge.media.decode.open_clip`.
        config: size and frame rate are taken from the clip.
        folder: of the cache; None is the user's own, `encoder_bridge.encode.first_pass_cache.cache_folder()`.
        progress: as in `first_pass`; not called for a cached one.

    Raises:
        BadInput: frames are missing in the file.
        EncodeFailed: libvpx failed.
    """
    config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
    folder = folder or cache.cache_folder()
    key = cache.first_pass_key(clip, config)
    blob = cache.load(folder, key)
    if blob is not None:
        with suppress(BridgeError), pool_of_one(_native.Pool) as pool:
            return first_pass_of(pool, blob)
    with open_frames(clip) as pipe:
        first = first_pass(pipe, config, progress=progress)
        pipe.check(first.frames)
    cache.store(folder, key, first.blob)
    return first
