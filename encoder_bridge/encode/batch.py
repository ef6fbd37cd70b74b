"""Batch encoding: many jobs over one pool of encoders, results as they end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import Shapes, as_shapes, shapes_of
from encoder_bridge.encode.pool import STALL_S, EncoderPool
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import EncodeResult

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Job:
    """One pass of one encode.

    Attributes:
      name: the caller's, comes back with the result.
      clip: what to encode.
      settings: for this encode.
      stats: the first pass's blob; None makes this a first pass.
      mode: "ask", "policy" or "libvpx", as `_native.Pool.start` has them.
      policy: for mode "policy".
      guard: keep the budget whatever is asked for.
      keep_packets: hand the packets back.
      shapes: of its GOPs, as `encoder_bridge.encode.gop_shapes` has them; None are libvpx's own.
      extra: whatever the caller's `decide` needs.
    """

    name: str
    clip: RawClip
    settings: EncoderConfig
    stats: bytes | None
    mode: str = "ask"
    policy: Any = None
    guard: bool = True
    keep_packets: bool = False
    shapes: Shapes | None = None
    extra: Any = None


@dataclass(frozen=True)
class BatchResult:
    """What came of a job.

    Attributes:
      job: which.
      error: one line; empty when all went well.
      stats: of a first pass, else empty.
      encode: of a second pass that went well, else None; see `result`.
      quality: by an objective that is not PSNR (`encoder_bridge.encode.objective`), else None.
    """

    job: Job
    error: str = ""
    stats: bytes = b""
    encode: EncodeResult | None = None
    quality: float | None = None

    @property
    def quality_db(self) -> float:
        """What it comes to by the objective: mean luma PSNR, unless another one was measured."""
        return self.result.psnr_y_db if self.quality is None else self.quality

    @property
    def result(self) -> EncodeResult:
        """The whole encode of a second pass that went well."""
        assert self.encode is not None, f"{self.job.name} has no result: {self.error or 'a first pass'}"
        return self.encode


Decide: TypeAlias = Callable[[Array, list[Job]], npt.ArrayLike]
"""(events [n] that wait for a decision, the job of each) -> their qindexes, i4[n]"""


@dataclass(frozen=True)
class WithRecords:
    """A `Decide` that is also told what every encode has done so far.

    Attributes:
      function: (events [n], the job of each, records and shown frames so far of each) -> i4[n].
    """

    function: Callable[[Array, list[Job], list[tuple[Array, Array]]], npt.ArrayLike]

    def __call__(self, events: Array, jobs: list[Job]) -> npt.ArrayLike:
        """For whoever knows no records: there are none."""
        raise AssertionError(f"{jobs[0].name} is decided where its records are not known")


def refuse_decisions(events: Array, jobs: list[Job]) -> Array:
    """For jobs that ask nothing."""
    raise AssertionError(f"{jobs[0].name} asked for a decision")


def play(
    pool: EncoderPool,
    slots: int,
    layouts: Mapping[str, Any],
    jobs: Iterable[Job],
    decide: Decide = refuse_decisions,
    *,
    together: int = 1,
) -> Iterator[BatchResult]:
    """Runs `jobs` and yields each as it ends; a failure is a result like any other.

    Args:
      pool: `_native.Pool`, or a fake.
      slots: of the pool.
      layouts: dtypes "event", "record", "shown" and the numbers "decision", "done", "failed".
      jobs: taken one by one as slots become free.
      decide: answers frames; called with all events that wait at the time.
      together: events to wait for before `decide` is called.
    """
    waiting = iter(jobs)
    free = list(range(slots))[::-1]
    running: dict[int, Job] = {}
    events = np.zeros(slots, layouts["event"])
    try:
        while True:
            while free and (job := next(waiting, None)) is not None:
                slot = free.pop()
                try:
                    _start(pool, slot, job)
                except (ValueError, RuntimeError, OSError) as error:
                    free.append(slot)
                    yield BatchResult(job, error=str(error) or type(error).__name__)
                else:
                    running[slot] = job
            if not running:
                return
            count = pool.recv(min(together, len(running)), STALL_S, events)
            arrived = events[:count]
            asked = arrived[arrived["kind"] == layouts["decision"]]
            if len(asked):
                answers = _decide(pool, layouts, decide, asked, [running[slot] for slot in asked["slot"]])
                pool.send(np.ascontiguousarray(asked["slot"]), np.ascontiguousarray(answers, np.int32))
            for slot in arrived["slot"][arrived["kind"] != layouts["decision"]].tolist():
                job = running.pop(slot)
                free.append(slot)
                yield _finish(pool, slot, job, layouts)
    finally:
        for slot in running:  # the caller went away, or an encoder stalled
            pool.cancel(slot)
        for slot in running:
            pool.wait(slot, STALL_S)


def _decide(
    pool: EncoderPool, layouts: Mapping[str, Any], decide: Decide, asked: Array, jobs: list[Job]
) -> npt.ArrayLike:
    if not isinstance(decide, WithRecords):
        return decide(asked, jobs)
    so_far = [
        (
            np.frombuffer(pool.records(slot), layouts["record"]),
            np.frombuffer(pool.shown(slot), layouts["shown"]),
        )
        for slot in asked["slot"].tolist()
    ]
    return decide.function(asked, jobs, so_far)


def _start(pool: EncoderPool, slot: int, job: Job) -> None:
    pool.start(
        slot,
        job.settings.as_native(),
        job.clip.frames,
        stats=job.stats,
        mode=job.mode,
        policy=job.policy,
        guard=job.guard,
        keep_packets=job.keep_packets,
        shapes=as_shapes(job.shapes),
    )


def _finish(pool: EncoderPool, slot: int, job: Job, layouts: Mapping[str, Any]) -> BatchResult:
    outcome = pool.outcome(slot)
    if not outcome["ok"]:
        return BatchResult(job, error=outcome["error"] or "the encoder failed without a word")
    if job.stats is None:
        return BatchResult(job, stats=pool.stats(slot))
    shown = np.frombuffer(pool.shown(slot), layouts["shown"])
    if len(shown) != len(job.clip):
        return BatchResult(job, error=f"{len(shown)} packets for {len(job.clip)} frames")
    if job.mode == "ask" and outcome["decisions"] == 0:
        return BatchResult(job, error="libvpx never asked for a decision")
    records = np.frombuffer(pool.records(slot), layouts["record"]).copy()
    packets = tuple(pool.take_packets(slot)) if job.keep_packets else ()
    shapes = shapes_of(pool.shapes(slot))
    return BatchResult(job, encode=EncodeResult(job.settings, records, shown, outcome, packets, shapes))
