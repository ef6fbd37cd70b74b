"""Running one encode to its end: the source of its frames, waiting, progress, errors.

Every wait has a deadline; leaving by an exception cancels the encoder and frees its thread.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import shapes_of
from encoder_bridge.encode.layouts import as_records, as_shown
from encoder_bridge.encode.pool import EncoderPool, PoolFactory
from encoder_bridge.encode.raw_clip import check_frames
from encoder_bridge.encode.result import EncodeResult, Packet
from encoder_bridge.errors import BadInput, BridgeError, EncodeFailed, WaitExpired

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
    check_frames(source, config.width, config.height, config.bit_depth)
    return np.ascontiguousarray(source)


@contextmanager
def pool_of_one(new_pool: PoolFactory) -> Iterator[EncoderPool]:
    """A pool with one slot, closed at the end."""
    pool = new_pool(1)
    try:
        yield pool
    finally:
        pool.close()


def wait_for_end(
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
        shapes = shapes_of(pool.shapes(slot))
    return EncodeResult(config, records, shown, outcome, tuple(packets), shapes)
