"""Fake encoder pool: the interface and the contract tests of the real one, over a known world.

Everything happens inside `start` and `send`, deterministically; there are no threads, so a wait
that could not end raises at once instead of at its deadline. Step features and q_ref come from the
extension (`replay_features`), so their widths and meaning are the real ones.
"""

import os
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape, shapes_of
from encoder_bridge.encode.layouts import SHOWN
from encoder_bridge.encode.result import Packet
from encoder_bridge.media.yuv420 import frame_bytes
from encoder_bridge.testing.fake_encode import FakeEncode
from encoder_bridge.testing.rate_distortion_model import FakeClip

_BLOB_MAGIC = b"fakepass"
_TICKS_PER_SECOND = 10_000_000


class FakePool:
    """`_native.Pool`'s interface over the fake encoder. Mode "policy" takes q_ref, whatever the policy."""

    def __init__(self, slots: int, *, noise: float = 0.0, seed: int = 0) -> None:
        """`noise`: deviation of the bits in halvings, the same for every encode with one `seed`."""
        self._encodes: list[FakeEncode | None] = [None] * slots
        self._queue: list[int] = []
        self._noise, self._seed = noise, seed
        self._closed = False

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
        """See `_native.pyi`."""
        if self._running(slot):
            raise _native.NativeError(f"slot {slot} still runs")
        if mode not in ("ask", "policy", "libvpx") or (policy is not None) != (mode == "policy"):
            raise ValueError(f'mode "{mode}" is unknown, or policy goes with another one')
        settings = EncoderConfig(**config)
        clip = FakeClip(_luma(source, settings))
        frame_stats = clip.stats(_TICKS_PER_SECOND / float(settings.fps))
        if stats is not None and len(stats) != len(_BLOB_MAGIC) + frame_stats.nbytes:
            raise _native.NativeError("the first pass saw another number of frames")
        if (shapes is not None or ask_shapes) and (stats is None or mode == "libvpx"):
            raise ValueError("shapes: go with the second pass in mode ask or policy")
        encode = FakeEncode(slot, settings, clip, frame_stats, self._factors, first_pass=stats is None)
        encode.guard, encode.keep_packets = guard and mode != "libvpx", keep_packets
        encode.mode, encode.ask_shapes = mode, ask_shapes
        if shapes is not None:
            encode.plan(shapes_of(np.ascontiguousarray(shapes, np.int32).tobytes()))
        self._encodes[slot] = encode
        self._queue = [other for other in self._queue if other != slot]
        encode.run()
        self._queue.append(slot)

    def _factors(self, count: int) -> npt.NDArray[np.float64]:
        """On the bits of the first `count` coded frames."""
        return 2.0 ** (self._noise * np.random.default_rng(self._seed).standard_normal(count))

    def recv(self, n: int, timeout_s: float, out: npt.NDArray[np.void]) -> int:
        """See `_native.pyi`; never waits, since nothing happens meanwhile."""
        self._check_open()
        if not self._queue:
            if any(self._running(slot) for slot in range(len(self._encodes))):
                raise ValueError("every running encode waits for send()")
            return 0
        taken, self._queue = self._queue[: len(out)], self._queue[len(out) :]
        for i, slot in enumerate(taken):
            encode = self._encode(slot)
            out[i] = encode.event
            encode.asked = not encode.ended
        return len(taken)

    def send(self, slots: npt.NDArray[np.int32], qindexes: npt.NDArray[np.int32]) -> None:
        """See `_native.pyi`."""
        self._check_open()
        for encode, qindex in zip(self._waiting(slots, shape=False), qindexes, strict=True):
            encode.decide(int(qindex))
            encode.run()
            self._queue.append(encode.slot)

    def send_shapes(self, slots: npt.NDArray[np.int32], shapes: npt.NDArray[np.int32]) -> None:
        """See `_native.pyi`."""
        self._check_open()
        answers = shapes_of(np.ascontiguousarray(shapes, np.int32).tobytes())
        for encode, shape in zip(self._waiting(slots, shape=True), answers, strict=True):
            encode.decide_shape(shape)
            encode.run()
            self._queue.append(encode.slot)

    def _waiting(self, slots: npt.NDArray[np.int32], *, shape: bool) -> list[FakeEncode]:
        """The encodes of slots that all wait for an answer of one kind."""
        for slot in slots:
            encode = self._encodes[slot] if 0 <= slot < len(self._encodes) else None
            if encode is None or not encode.asked:
                raise ValueError(f"slot {slot} waits for no decision")
            if encode.asks_shape != shape:
                waits_for = "GOP's shape: send_shapes()" if encode.asks_shape else "frame's qindex: send()"
                raise ValueError(f"slot {slot} waits for a {waits_for}")
        return [self._encode(int(slot)) for slot in slots]

    def progress(self, slot: int) -> tuple[int, int, int]:
        """See `_native.pyi`."""
        shown = self._encode(slot).shown
        return len(self._encode(slot).stats), len(shown), sum(size for _, size, _, _ in shown)

    def wait(self, slot: int, timeout_s: float) -> bool:
        """See `_native.pyi`; never waits."""
        return self._encode(slot).ended

    def outcome(self, slot: int) -> dict[str, Any]:
        """See `_native.pyi`."""
        encode = self._encode(slot, ended=True)
        return {
            "ok": not encode.error,
            "error": encode.error,
            "frames": len(encode.stats),
            "decisions": encode.decisions,
            "guarded": encode.guarded,
            "fallbacks": 0,
            "packet_bytes": self.progress(slot)[2],
            "encode_seconds": 0.0,
            "wait_seconds": 0.0,
        }

    def records(self, slot: int) -> bytes:
        """See `_native.pyi`."""
        encode = self._encode(slot)
        return encode.records[: encode.position].tobytes()

    def shapes(self, slot: int) -> bytes:
        """See `_native.pyi`."""
        encode = self._encode(slot)
        shapes = encode.shapes
        if encode.planned is not None:
            rest = [GopShape()] * (len(encode.gops) - len(encode.planned))
            shapes = [*encode.planned, *rest][: len(encode.gops)]
        return np.array([astuple(shape) for shape in shapes], np.int32).tobytes()

    def shown(self, slot: int) -> bytes:
        """See `_native.pyi`."""
        encode = self._encode(slot)
        shown = np.zeros(len(encode.shown), SHOWN)
        for row, (pts, size, key, sse_y) in zip(shown, encode.shown, strict=True):
            row["pts"], row["bytes"], row["key"], row["sse_y"] = pts, size, key, sse_y
            row["sse_u"] = row["sse_v"] = sse_y // 8
        return shown.tobytes()

    def stats(self, slot: int) -> bytes:
        """See `_native.pyi`."""
        return _BLOB_MAGIC + self._encode(slot, ended=True).stats.tobytes()

    def frame_stats(self, blob: bytes) -> bytes:
        """See `_native.pyi`."""
        if not blob.startswith(_BLOB_MAGIC) or (len(blob) - len(_BLOB_MAGIC)) % (25 * 8):
            raise ValueError("not a first pass's statistics")
        return blob[len(_BLOB_MAGIC) :]

    def take_packets(self, slot: int) -> list[Packet]:
        """See `_native.pyi`."""
        encode = self._encode(slot)
        packets, encode.packets = encode.packets, []
        return packets

    def cancel(self, slot: int) -> None:
        """See `_native.pyi`."""
        if self._running(slot):
            self._encode(slot).cancel()
            self._queue = [other for other in self._queue if other != slot] + [slot]

    def close(self) -> None:
        """See `_native.pyi`."""
        self._closed, self._queue = True, []
        self._encodes = [None] * len(self._encodes)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the pool is closed")

    def _running(self, slot: int) -> bool:
        self._check_open()
        if not 0 <= slot < len(self._encodes):
            raise ValueError(f"slot: 0 to {len(self._encodes) - 1}, not {slot}")
        encode = self._encodes[slot]
        return encode is not None and not encode.ended

    def _encode(self, slot: int, *, ended: bool = False) -> FakeEncode:
        if ended and self._running(slot):
            raise _native.NativeError(f"slot {slot} still runs")
        self._running(slot)
        encode = self._encodes[slot]
        if encode is None:
            raise ValueError(f"slot {slot} has had no encode")
        return encode


def _luma(source: Any, config: EncoderConfig) -> npt.NDArray[np.uint8]:
    """`[T, height, width]` of a buffer, or of all that a file descriptor gives."""
    if isinstance(source, int):
        with os.fdopen(os.dup(source), "rb") as stream:
            data = np.frombuffer(stream.read(), np.uint8)
    else:
        data = np.frombuffer(source, np.uint8)
    frame = frame_bytes(config.width, config.height)
    if len(data) == 0 or len(data) % frame:
        raise _native.NativeError(f"the source ends in the middle of frame {len(data) // frame + 1}")
    planes = data.reshape(-1, frame)[:, : config.width * config.height]
    return planes.reshape(-1, config.height, config.width)
