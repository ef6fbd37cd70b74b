"""Farm: where encodes run, this machine by default.

Whoever encodes asks a farm, and does not know whether the work stays in this process. The other farm, a
cluster, is `muzero_rc.distributed.ray_farm`.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from encoder_bridge.encode.batch import BatchResult, Decide, Job, play, refuse_decisions
from encoder_bridge.encode.pool import EncoderPool
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.portable_policy import with_opened_policy

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Shared:
    """An argument that many calls have; the function gets `value`.

    Attributes:
      key: names the very content: equal keys, equal values.
      value: can be pickled.
      nbytes: of the value, where it is large.
    """

    key: str
    value: Any
    nbytes: int = 0


@dataclass(frozen=True)
class SharedFile:
    """An argument that is a file; the function gets the path where it lies on its machine.

    Attributes:
      path: on this machine.
      sha256: of its content, hex digits.
    """

    path: Path
    sha256: str


class Farm(Protocol):
    """Where encodes run."""

    @property
    def slots(self) -> int:
        """How many run at a time, at present."""
        ...

    def play(
        self, engine: Engine, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """Runs jobs and yields each as it ends, once; see `encoder_bridge.encode.batch.play`.

        Args:
          engine: what encodes.
          jobs: taken one by one as there is room.
          decide: a function of a module, if the farm is `remote`: it answers one job at a time there, with
            what is in the job's `extra`.
          together: no matter where the farm is `remote`.
        """
        ...

    def submit(self, function: Callable[..., R], *args: Any) -> "Future[R]":
        """Calls a function of a module, on some machine.

        Args:
          function: gives the same for the same arguments: a call whose machine dies is made again.
          args: `Shared` and `SharedFile` arrive as what they stand for; the rest is pickled.

        Returns:
          What it gives or raises; cancelled where the farm was.
        """
        ...

    @property
    def remote(self) -> bool:
        """Whether functions run in other processes."""
        ...

    def cancel(self) -> None:
        """Ends all calls soon."""
        ...

    def close(self) -> None:
        """Ends everything; twice is fine."""
        ...


class LocalFarm:
    """This machine: one pool of encoders for jobs, one of threads for calls."""

    remote = False

    def __init__(self, slots: int) -> None:
        """Args: slots: encodes at a time."""
        self.slots = max(1, slots)
        self._pool: EncoderPool | None = None
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="farm")  # which start when needed
        self._cancelled = threading.Event()

    def play(
        self, engine: Engine, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """See `Farm.play`."""
        if self._pool is None:
            self._pool = engine.native.Pool(self.slots)
        opened = (with_opened_policy(job) for job in jobs)
        return play(self._pool, self.slots, engine.layouts, opened, decide, together=together)

    def submit(self, function: Callable[..., R], *args: Any) -> "Future[R]":
        """See `Farm.submit`."""
        return self._threads.submit(_call, self._cancelled, function, args)

    def cancel(self) -> None:
        """See `Farm.cancel`: calls that ask `is_cancelled` end, those that have not begun never do."""
        self._cancelled.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """See `Farm.close`."""
        self._threads.shutdown(cancel_futures=True)
        if self._pool is not None:
            self._pool.close()


def is_cancelled() -> bool:
    """Whether the call of a farm that asks this should end."""
    event: threading.Event | None = getattr(_of_thread, "cancelled", None)
    return event is not None and event.is_set()


_of_thread = threading.local()


def _call(cancelled: threading.Event, function: Callable[..., R], args: Iterable[Any]) -> R:
    _of_thread.cancelled = cancelled
    return function(*(_arrived(arg) for arg in args))


def _arrived(arg: Any) -> Any:
    if isinstance(arg, Shared):
        return arg.value
    return arg.path if isinstance(arg, SharedFile) else arg
