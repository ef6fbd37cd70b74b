"""Whole encodes: the first pass, a second pass under some policy, a replay.

Every wait has a deadline; leaving by an exception cancels the encoder and frees its thread.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode import first_pass_cache as cache
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import EVENT, as_records, as_shown
from encoder_bridge.encode.pool import STALL_S, EncoderPool, PoolFactory
from encoder_bridge.encode.raw_clip import check_frames
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.errors import BadInput, BridgeError, EncodeFailed, WaitExpired
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.probe import VideoFile

_TICK_S = 0.2


class HasFileno(Protocol):
    """A pipe or file of raw frames."""

    def fileno(self) -> int:
        """Its file descriptor."""


FrameSource: TypeAlias = npt.NDArray[np.uint8] | HasFileno
"""Planar 4:2:0 frames: `[T, frame_bytes]` u1, or a pipe of them."""


@dataclass(frozen=True)
class Progress:
    """How far an encode is."""

    frames: int
    """Read from the source."""
    packets: int
    bits: int

    @staticmethod
    def of(counts: tuple[int, int, int]) -> "Progress":
        """From `EncoderPool.progress`."""
        return Progress(counts[0], counts[1], 8 * counts[2])


@contextmanager
def native_errors() -> Iterator[None]:
    """The extension's errors as ours: the only place that knows both."""
    try:
        yield
    except _native.WaitTimeout as error:
        raise WaitExpired(f"the encoder did not answer in time: {error}") from error
    except _native.NativeError as error:
        raise EncodeFailed(str(error)) from error
    except ValueError as error:
        if isinstance(error, BridgeError):
            raise
        raise BadInput(str(error)) from error


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
    with _pool_of_one(new_pool) as pool, native_errors():
        pool.start(0, config.as_native(), as_native_source(source, config), mode="libvpx")
        _wait(pool, progress, None, stall_s)
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


def encode(
    source: FrameSource,
    first: FirstPass,
    config: EncoderConfig,
    *,
    mode: str = "policy",
    policy: _native.Policy | str = "controller",
    plan: Sequence[int] | None = None,
    guard: bool = True,
    keep_packets: bool = False,
    on_packets: Callable[[list[Packet]], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    new_pool: PoolFactory = _native.Pool,
    stall_s: float = STALL_S,
) -> EncodeResult:
    """Runs a whole second pass.

    Args:
        source: the frames that `first` was made of.
        first: of the same frames and settings.
        config: with the size, the frame rate and the target.
        mode: "policy" lets `policy` decide, in C; "plan" feeds `plan` back, unguarded; "libvpx"
            leaves libvpx's own rate control alone.
        policy: a file or "controller"; opened once, a `_native.Policy` can be given many times.
        plan: qindex of every coded frame, in coding order.
        guard: hold a policy to the budget, whatever it says.
        keep_packets: put them all into the result.
        on_packets: takes them as they come instead, so that memory does not grow.
        progress: called a few times a second.
        new_pool: `_native.Pool`, or `FakePool` in tests.
        stall_s: give up after so many seconds without any progress.

    Raises:
        BadInput: sources or settings that do not fit together, or an unknown mode.
        EncodeFailed: libvpx failed, or `plan` has another length than the encode.
        WaitExpired: no progress for `stall_s` seconds.
    """
    if mode not in ("policy", "plan", "libvpx") or (mode == "plan") != (plan is not None):
        raise BadInput(f'mode "{mode}" is unknown, or comes without its plan: use policy, plan or libvpx')
    config.check_target()
    kept: list[Packet] = []
    sink = on_packets or (kept.extend if keep_packets else None)
    with _pool_of_one(new_pool) as pool, native_errors():
        if mode == "policy" and isinstance(policy, str):
            policy = _native.Policy(policy)
        pool.start(
            0,
            config.as_native(),
            as_native_source(source, config),
            stats=first.blob,
            mode="ask" if mode == "plan" else mode,
            policy=policy if mode == "policy" else None,
            guard=guard and mode == "policy",
            keep_packets=sink is not None,
        )
        if plan is not None:
            _follow(pool, plan, stall_s)
        _wait(pool, progress, sink, stall_s)
        return collect(pool, 0, config, kept)


def raise_failure(outcome: dict[str, Any]) -> None:
    """Raises what an ended encode died of.

    Raises:
        EncodeFailed: with the native side's own words.
    """
    if not outcome["ok"]:
        raise EncodeFailed(outcome["error"] or "the encode failed without a reason")


def as_native_source(source: FrameSource, config: EncoderConfig) -> Any:
    """`source` as the extension takes it.

    Raises:
        BadInput: frames of another size than `config` says.
    """
    if not isinstance(source, np.ndarray):
        return source.fileno()
    check_frames(source, config.width, config.height)
    return np.ascontiguousarray(source)


@contextmanager
def _pool_of_one(new_pool: PoolFactory) -> Iterator[EncoderPool]:
    pool = new_pool(1)
    try:
        yield pool
    finally:
        pool.close()


def _wait(
    pool: EncoderPool,
    progress: Callable[[Progress], None] | None,
    sink: Callable[[list[Packet]], None] | None,
    stall_s: float,
) -> None:
    """Waits for slot 0's end; passes packets and progress on meanwhile."""
    last, since, ended = (-1, -1, -1), time.monotonic(), False
    while not ended:
        ended = pool.wait(0, _TICK_S)
        now = pool.progress(0)
        if sink is not None and (packets := pool.take_packets(0)):
            sink(packets)
        if progress is not None:
            progress(Progress.of(now))
        if now != last:
            last, since = now, time.monotonic()
        elif not ended and time.monotonic() - since > stall_s:
            raise WaitExpired(f"the encoder made no progress for {stall_s:.0f} s after frame {now[0]}")


def _follow(pool: EncoderPool, plan: Sequence[int], timeout_s: float) -> None:
    """Answers slot 0's requests from a list."""
    event, slot, answer = np.zeros(1, EVENT), np.zeros(1, np.int32), np.zeros(1, np.int32)
    asked = 0
    while pool.recv(1, timeout_s, event) and event[0]["kind"] == _native.EVENT_DECISION:
        if asked == len(plan):
            raise EncodeFailed(f"the plan has {len(plan)} decisions, but libvpx asks for more")
        answer[0] = plan[asked]
        asked += 1
        pool.send(slot, answer)
    if event[0]["kind"] == _native.EVENT_DONE and asked < len(plan):
        raise EncodeFailed(f"the plan has {len(plan)} decisions, but libvpx asked for {asked} only")


def collect(
    pool: EncoderPool, slot: int, config: EncoderConfig, packets: Sequence[Packet] = ()
) -> EncodeResult:
    """The result of a slot's ended encode.

    Raises:
        EncodeFailed: it failed.
    """
    with native_errors():
        outcome = pool.outcome(slot)
        raise_failure(outcome)
        records, shown = as_records(pool.records(slot)), as_shown(pool.shown(slot))
    return EncodeResult(config, records, shown, outcome, tuple(packets))


def validate_episode(
    source: FrameSource, first: FirstPass, result: EncodeResult, *, new_pool: PoolFactory = _native.Pool
) -> list[str]:
    """Replays an encode's decisions and says what came out differently: [] for the same bytes.

    Args:
        source: the frames of the first time.
        first: their first pass.
        result: with `packets` for a comparison of the bytes; without, of sizes and errors only.
        new_pool: as in `encode`.
    """
    again = encode(
        source, first, result.config, mode="plan", plan=result.plan, keep_packets=True, new_pool=new_pool
    )
    differences = [
        f"{name} of the shown frames differ"
        for name in ("pts", "bytes", "key", "sse_y")
        if not np.array_equal(result.shown[name], again.shown[name])
    ]
    if result.packets and result.packets != again.packets:
        differences.append("packets differ")
    return differences


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
        folder: of the cache; None is the user's own, `cache.cache_folder()`.
        progress: as in `first_pass`; not called for a cached one.

    Raises:
        BadInput: frames are missing in the file.
        EncodeFailed: libvpx failed.
    """
    config = config.for_video(clip.width, clip.height, clip.fps)
    folder = folder or cache.cache_folder()
    key = cache.first_pass_key(clip, config)
    blob = cache.load(folder, key)
    if blob is not None:
        with suppress(BridgeError), _pool_of_one(_native.Pool) as pool:
            return first_pass_of(pool, blob)
    with open_frames(clip) as pipe:
        first = first_pass(pipe, config, progress=progress)
        pipe.check(first.frames)
    cache.store(folder, key, first.blob)
    return first
