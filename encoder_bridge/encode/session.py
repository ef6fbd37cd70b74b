"""Interactive encode: one second pass, whose caller decides every frame."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import Shapes, as_shapes
from encoder_bridge.encode.layouts import EVENT
from encoder_bridge.encode.pool import PoolFactory
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.encode.waiting import (
    FrameSource,
    Progress,
    as_native_source,
    collect,
    native_errors,
    raise_failure,
)
from encoder_bridge.errors import NotRunning


@dataclass(frozen=True)
class FrameRequest:
    """libvpx asks for the qindex of one coded frame."""

    frame_type: int
    """Index into `layouts.FRAME_TYPES`."""
    show_index: int
    """Display order, from 0."""
    coding_index: int
    """Coding order, from 0."""
    gop_index: int
    layer: int
    """Pyramid layer, 0 for a key frame."""
    q_ref: int
    """The controller's qindex, q_ref."""
    step: npt.NDArray[np.float32]
    """`[S]` step features."""


def request_of(event: np.void) -> FrameRequest:
    """The request in one event, copied out of it."""
    names = ("frame_type", "show_index", "coding_index", "gop_index", "layer", "q_ref")
    numbers = {name: int(event[name]) for name in names}
    return FrameRequest(step=np.array(event["step"], np.float32), **numbers)


class Session:
    """One second pass, decided frame by frame.

    with Session(frames, first, config) as session:
        while (request := session.request()) is not None:
            session.answer(request.q_ref)
        print(session.result().kbps)
    """

    def __init__(
        self,
        source: FrameSource,
        first: FirstPass,
        config: EncoderConfig,
        *,
        guard: bool = True,
        shapes: Shapes | None = None,
        keep_packets: bool = False,
        timeout_s: float = 60.0,
        new_pool: PoolFactory = _native.Pool,
    ) -> None:
        """Starts the encode; see `encode` for the arguments. `timeout_s` bounds every request."""
        config.check_target()
        self.config = config
        self._timeout_s = timeout_s
        self._event = np.zeros(1, EVENT)
        self._state = "coding"  # then "asked", "ended", "closed"
        self._pool = new_pool(1)
        try:
            with native_errors():
                self._pool.start(
                    0,
                    config.as_native(),
                    as_native_source(source, config),
                    stats=first.blob,
                    guard=guard,
                    keep_packets=keep_packets,
                    shapes=as_shapes(shapes),
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(self) -> FrameRequest | None:
        """The next frame that waits for its qindex; None when the encode has ended.

        Raises:
            EncodeFailed: libvpx failed.
            WaitExpired: it did not ask within the deadline.
            NotRunning: the last request is not answered, or the session is closed.
        """
        if self._state == "ended":
            return None
        if self._state != "coding":
            raise NotRunning(f"no request while the session is {self._state}: answer the last one first")
        with native_errors():
            self._pool.recv(1, self._timeout_s, self._event)
        if self._event[0]["kind"] == _native.EVENT_DECISION:
            self._state = "asked"
            return request_of(self._event[0])
        self._state = "ended"
        raise_failure(self._pool.outcome(0))
        return None

    def answer(self, qindex: int) -> None:
        """Answers the last request; C clamps to [1, 255] and guards.

        Raises:
            NotRunning: nothing waits for an answer.
        """
        if self._state != "asked":
            raise NotRunning(f"no frame waits for a qindex: the session is {self._state}")
        with native_errors():
            self._pool.send(np.zeros(1, np.int32), np.array([qindex], np.int32))
        self._state = "coding"

    def packets(self) -> list[Packet]:
        """Those made since the last call; what was taken is not in `result`."""
        return self._pool.take_packets(0)

    def progress(self) -> Progress:
        """How far the encode is."""
        return Progress.of(self._pool.progress(0))

    def result(self) -> EncodeResult:
        """The whole encode, after `request` gave None.

        Raises:
            NotRunning: it has not ended.
        """
        if self._state != "ended":
            raise NotRunning(f"no result while the session is {self._state}")
        return collect(self._pool, 0, self.config, self._pool.take_packets(0))

    def close(self) -> None:
        """Cancels what runs and frees the encoder; twice is fine."""
        self._state = "closed"
        self._pool.close()
