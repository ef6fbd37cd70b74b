"""Workers: how many encodes run at once, what each of them needs, and running them."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.waiting import Progress

T = TypeVar("T")
Told = Callable[[Progress], None]
"""Takes how far an encode is, a few times a second."""

_TICK_S = 0.2
_FRAMES, _BORDER = 36, 160
"""Frames that libvpx's second pass holds beside those of its look-ahead, each with a border on all sides."""
_TOKENS = 772 * 16
"""Bytes that it keeps ready for the coefficients of each macroblock."""
_DECODER = 60_000_000
_MEMORY_SHARE = 0.7


class Stopped(Exception):
    """Another worker failed, or the caller gave up."""


def worker_bytes(config: EncoderConfig) -> int:
    """What one second pass needs of memory, the decoder's process included.

    Fitted to scripts/bench/bench_memory.py at 640x360 and 1280x720: see docs/films.md.
    """
    frame = (config.width + 2 * _BORDER) * (config.height + 2 * _BORDER) * 3 // 2
    frame *= 1 if config.bit_depth == 8 else 2
    blocks = -(-config.width // 16) * -(-config.height // 16)
    return _DECODER + _TOKENS * blocks + frame * (_FRAMES + config.lag_in_frames)


def usual_workers(config: EncoderConfig) -> int:
    """As many as there are cores and room in memory for, at least 1."""
    cores = len(os.sched_getaffinity(0)) // max(1, config.threads)
    room = _MEMORY_SHARE * available_bytes() / worker_bytes(config)
    return max(1, min(cores, int(room)))


def available_bytes() -> int:
    """Memory that is free, or can be; a container's limit counts."""
    known = [1 << 40]
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        known += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        known.append(limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return max(0, min(known))


def run_all(
    jobs: Sequence[Callable[[Told], T]],
    workers: int,
    on_progress: Told | None = None,
) -> list[T]:
    """Runs all jobs, so many at once, in their order; gives what they gave.

    Args:
        jobs: each is called with what takes its progress, which it has to call often: it raises `Stopped`
            when the rest is not wanted any more.
        workers: 1 or more.
        on_progress: takes the sum of all jobs' progress, a few times a second.

    Raises:
        what the first of the jobs that failed raised, after all others have stopped.
    """
    if len(jobs) == 1:  # no thread, and all of its progress is told
        return [jobs[0](on_progress or _untold)]
    stop, seen = threading.Event(), [Progress(0, 0, 0)] * len(jobs)

    def start(number: int) -> T:
        def told(progress: Progress) -> None:
            seen[number] = progress
            if stop.is_set():
                raise Stopped

        told(seen[number])
        return jobs[number](told)

    with ThreadPoolExecutor(workers, thread_name_prefix="muzero-rc part") as pool:
        futures = [pool.submit(start, number) for number in range(len(jobs))]
        try:
            left: set[Future[T]] = set(futures)
            while left:
                done, left = wait(left, _TICK_S, FIRST_COMPLETED)
                if any(future.exception() for future in done):
                    break
                if on_progress is not None:
                    on_progress(_sum(seen))
        finally:
            stop.set()
            for future in futures:
                future.cancel()
    failed = [e for future in futures if not future.cancelled() and (e := future.exception())]
    for error in failed:
        if not isinstance(error, Stopped):
            raise error
    return [future.result() for future in futures]


def _untold(_: Progress) -> None:
    """Nobody listens."""


def _sum(progress: Sequence[Progress]) -> Progress:
    return Progress(
        sum(one.frames for one in progress),
        sum(one.packets for one in progress),
        sum(one.bits for one in progress),
    )
