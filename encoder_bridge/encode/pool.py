"""Encoder pool: the interface that the real one and the fake share."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from encoder_bridge.encode.result import Packet

STALL_S = 600.0
"""An encoder that reads no frame, makes no packet and asks nothing for so long is given up."""


class EncoderPool(Protocol):
    """What `_native.Pool` and `testing.fake_pool.FakePool` offer; `_native.pyi` has every detail."""

    def start(
        self,
        slot: int,
        config: dict[str, int],
        source: Any,
        *,
        stats: bytes | None = None,
        mode: str = "ask",
        policy: Any = None,
        guard: bool = True,
        keep_packets: bool = False,
        shapes: Any = None,
        ask_shapes: bool = False,
    ) -> None:
        """Starts an encode in a free slot; without `stats`, a first pass."""

    def recv(self, n: int, timeout_s: float, out: Any) -> int:
        """Waits for `n` events, or one per running slot, and writes them to `out`."""

    def send(self, slots: Any, qindexes: Any) -> None:
        """Answers the slots that wait for a decision."""

    def send_shapes(self, slots: Any, shapes: Any) -> None:
        """Answers the slots that wait for a GOP's shape."""

    def progress(self, slot: int) -> tuple[int, int, int]:
        """Frames read, packets out, packet bytes out, so far."""

    def wait(self, slot: int, timeout_s: float) -> bool:
        """True once the slot's encode has ended."""

    def outcome(self, slot: int) -> dict[str, Any]:
        """How an ended encode went."""

    def records(self, slot: int) -> bytes:
        """Its results so far, while it waits for a decision; all of them when it has ended."""

    def shapes(self, slot: int) -> bytes:
        """The shapes asked for so far, one a GOP."""

    def shown(self, slot: int) -> bytes:
        """Its packets in figures, as `records`: so far, or all of them."""

    def stats(self, slot: int) -> bytes:
        """An ended first pass's blob."""

    def frame_stats(self, blob: bytes) -> bytes:
        """f8[T, 25] out of a first pass's blob."""

    def take_packets(self, slot: int) -> list[Packet]:
        """The packets that came since the last call."""

    def cancel(self, slot: int) -> None:
        """Ends the slot's encode soon."""

    def close(self) -> None:
        """Ends everything and frees it; twice is fine."""


PoolFactory: TypeAlias = Callable[[int], EncoderPool]
