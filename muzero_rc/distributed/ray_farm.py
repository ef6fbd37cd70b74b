"""The farm as a Ray cluster: one task for each encode, on whatever machine has a core free.

Clips, policies and files go into the object store once, by what names their content, and from there to
each machine that needs them. Ray makes a task again whose machine has died; a task depends on nothing
but its arguments, so it comes out the same, and its future has one result whatever happens. Every machine
needs this package, the same Ray and the same libvpx; the last is checked. Ray knows no passwords: see
docs/cluster.md for what may be exposed.
"""

import contextlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Decide, Job, refuse_decisions
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.errors import EncodeFailed
from muzero_rc.distributed.farm_task import FileParcel, call, play_job, versions_here
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Shared, SharedFile
from muzero_rc.errors import RunError

log = logging.getLogger(__name__)

R = TypeVar("R")
Played = tuple[str, bytes, EncodeResult | None]

_RETRIES = 5  # of a task whose machine or process died
_AHEAD = 2  # tasks that run or wait for each core
_NO_CLIP = RawClip(np.zeros((1, 6), np.uint8), 2, 2, Fraction(1))  # in place of the clip that comes apart
_KEPT_BYTES = 4 << 30  # of shared values in the object store that no task needs just now


class RayFarm:
    """A cluster that this process has joined; see `muzero_rc.encoding.farm.Farm`."""

    remote = True

    def __init__(self, address: str | None = None) -> None:
        """Joins a cluster.

        Args:
          address: HOST:PORT of its head. None is the cluster that this machine belongs to already; where
            there is none, one of this machine alone begins, on loopback.

        Raises:
          RunError: it cannot be joined.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
        import ray

        self._ray = ray
        self._joined = not ray.is_initialized()
        if self._joined:
            _join(ray, address)
        self._call = ray.remote(num_cpus=1, max_retries=_RETRIES, scheduling_strategy="SPREAD")(call)
        self._versions = versions_here()
        self._stored: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._storing = threading.Lock()
        self._running: dict[Future[Any], Any] = {}
        self._cancelled = False

    @property
    def slots(self) -> int:
        """The cluster's cores, which may come and go."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def play(
        self, engine: Engine, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """See `Farm.play`: one task a job."""
        waiting, running = iter(jobs), dict[Future[Played], Job]()
        shared_engine = Shared("engine", engine)
        try:
            while True:
                ahead = _AHEAD * self.slots
                while len(running) < ahead and (job := next(waiting, None)) is not None:
                    running[self._submit_job(shared_engine, job, decide)] = job
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield _result_of(running.pop(future), future)
        finally:
            for future in running:  # the caller went away
                self._cancel(future)

    def _submit_job(self, engine: Shared, job: Job, decide: Decide) -> "Future[Played]":
        clip: Any = replace(job.clip, frames=np.asarray(job.clip.frames))  # in memory, not mapped from a file
        if clip.key:
            clip = Shared(f"clip {clip.key}", clip, clip.frames.nbytes)
        policy = None if job.policy is None else Shared(job.policy.key, job.policy)
        return self.submit(play_job, engine, clip, policy, replace(job, clip=_NO_CLIP, policy=None), decide)

    def submit(self, function: Callable[..., R], *args: Any) -> "Future[R]":
        """See `Farm.submit`."""
        if self._cancelled:
            raise RuntimeError("the farm is cancelled")
        result: Future[R] = Future()
        reference = self._call.remote(self._versions, function, *(self._packed(arg) for arg in args))
        self._running[result] = reference
        reference.future().add_done_callback(lambda done: self._end(result, done))
        return result

    def _packed(self, arg: Any) -> Any:
        """An argument as it is sent: a reference to what is shared."""
        if isinstance(arg, Shared):
            return self._reference(arg.key, lambda: arg.value, arg.nbytes)
        if isinstance(arg, SharedFile):
            size = arg.path.stat().st_size
            content = self._reference(f"file {arg.sha256}", arg.path.read_bytes, size)
            return FileParcel(arg.path.name, arg.sha256, (content,))
        return arg

    def _reference(self, key: str, value: Callable[[], Any], nbytes: int) -> Any:
        """A value in the object store; what has not been asked for in a while is put there again."""
        with self._storing:  # reports submit from many threads
            if key not in self._stored:
                self._stored[key] = self._ray.put(value()), nbytes
            self._stored.move_to_end(key)
            kept = self._stored[key][0]
            while len(self._stored) > 1 and sum(size for _, size in self._stored.values()) > _KEPT_BYTES:
                self._stored.popitem(last=False)  # tasks under way keep what they need
            return kept

    def _end(self, result: "Future[R]", done: "Future[tuple[R, Exception | None]]") -> None:
        """Hands on what became of a task; called by a thread of Ray's."""
        self._running.pop(result, None)
        if not result.set_running_or_notify_cancel():
            return
        try:
            value, error = done.result()
        except Exception as lost:  # Ray's own errors
            error = EncodeFailed(f"the farm lost a task: {' '.join(str(lost).split())[:200]}")
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)

    def _cancel(self, result: "Future[Any]") -> None:
        reference = self._running.get(result)
        if result.cancel() and reference is not None:
            self._ray.cancel(reference, force=True)

    def cancel(self) -> None:
        """See `Farm.cancel`."""
        self._cancelled = True
        for result in list(self._running):
            self._cancel(result)

    def close(self) -> None:
        """See `Farm.close`; leaves the cluster if it has joined it."""
        self.cancel()
        self._stored.clear()
        if self._joined:
            self._ray.shutdown()
            self._joined = False


def _result_of(job: Job, future: "Future[Played]") -> BatchResult:
    try:
        error, stats, encode = future.result()
    except EncodeFailed as lost:
        return BatchResult(job, error=str(lost))
    return BatchResult(job, error=error, stats=stats, encode=encode)


def _join(ray: Any, address: str | None) -> None:
    _keep_stdout_for_results(ray)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is not None:
            ray.init(address=address, **quiet)
            return
        with contextlib.suppress(ConnectionError):
            ray.init(address="auto", **quiet)
            return
        ray.init(address="local", include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = address or "on this machine"
        raise RunError(
            f"farm ray:{where} cannot be joined: {' '.join(str(error).split())[:200]}; is its head running "
            "(ray start --head), and does this machine belong to it (ray start --address)?"
        ) from error


def _keep_stdout_for_results(ray: Any) -> None:
    """What Ray would print on stdout of machines and processes that died becomes a line of our log."""

    def warn(data: dict[str, Any], **_: Any) -> None:
        text = str(data.get("lines", [""])[0])
        log.warning("farm: %s", text.splitlines()[0][:200] if text else data)

    with contextlib.suppress(AttributeError):  # no public way leads there
        ray._private.worker.print_to_stdstream = warn
