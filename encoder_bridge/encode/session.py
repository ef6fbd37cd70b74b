"""Interactive encode: one second pass, whose caller decides every frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import FilmPart
from encoder_bridge.encode.gop_shapes import GopShape, Shapes, as_shapes
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


@dataclass(frozen=True)
class ShapeRequest:
    """A GOP is about to begin, and its shape is asked for."""

    gop_index: int
    """GOPs before it."""
    show_index: int
    """Of the frame that begins it; after a GOP without an alt-ref, of the earliest that can."""
    frames_left: int
    """After that frame, to the clip's end or to the next key frame foreseen."""
    flush: bool
    """All GOPs from here to the clip's end get this shape."""


def shape_request_of(event: np.void) -> ShapeRequest:
    """The request in one event of kind EVENT_SHAPE."""
    names = ("gop_index", "show_index", "frames_left")
    return ShapeRequest(**{name: int(event[name]) for name in names}, flush=bool(event["flush"]))


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
        ask_shapes: bool = False,
        part: FilmPart | None = None,
        keep_packets: bool = False,
        timeout_s: float = 60.0,
        new_pool: PoolFactory = _native.Pool,
    ) -> None:
        """Starts the encode; see `encode` for the arguments.

        `timeout_s` bounds every request; with `ask_shapes` GOPs' shapes are asked for too.
        """
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
                    ask_shapes=ask_shapes,
                    **(part.as_native() if part is not None else {}),
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

        For a session without `ask_shapes`; with it, `next_request` has the shapes too.

        Raises:
            EncodeFailed: libvpx failed.
            WaitExpired: it did not ask within the deadline.
            NotRunning: the last request is not answered, or the session is closed.
        """
        request = self.next_request()
        if isinstance(request, ShapeRequest):
            raise NotRunning("a GOP waits for its shape: use next_request and answer_shape")
        return request

    def next_request(self) -> FrameRequest | ShapeRequest | None:
        """What waits for an answer, a frame or a GOP; None when the encode has ended.

        Raises: as `request`.
        """
        if self._state == "ended":
            return None
        if self._state != "coding":
            raise NotRunning(f"no request while the session is {self._state}: answer the last one first")
        with native_errors():
            self._pool.recv(1, self._timeout_s, self._event)
        kind = self._event[0]["kind"]
        if kind in (_native.EVENT_DECISION, _native.EVENT_SHAPE):
            self._state = "asked"
            return (request_of if kind == _native.EVENT_DECISION else shape_request_of)(self._event[0])
        self._state = "ended"
        raise_failure(self._pool.outcome(0))
        return None

    def answer(self, qindex: int) -> None:
        """Answers a frame's request; C clamps to [1, 255] and guards.

        Raises:
            NotRunning: nothing waits for an answer.
            BadInput: it is a GOP that waits.
        """
        self._answer(lambda slot: self._pool.send(slot, np.array([qindex], np.int32)))

    def answer_shape(self, shape: GopShape) -> None:
        """Answers a GOP's request.

        Raises:
            NotRunning: nothing waits for an answer.
            BadInput: the shape is out of range, or it is a frame that waits.
        """
        self._answer(lambda slot: self._pool.send_shapes(slot, as_shapes([shape])))

    def _answer(self, send: Callable[[npt.NDArray[np.int32]], None]) -> None:
        if self._state != "asked":
            raise NotRunning(f"nothing waits for an answer: the session is {self._state}")
        with native_errors():
            send(np.zeros(1, np.int32))
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
