"""One encode of the fake pool."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import ALTREF, EVENT, GOLDEN, KEY, RECORD, SHOW_EXISTING
from encoder_bridge.encode.result import Packet
from encoder_bridge.testing.rate_distortion_model import CodedFrame, FakeClip, packet_bytes, schedule_gops

_SHOW_EXISTING_BITS = 8
_REQUEST_FIELDS = ("frame_type", "show_index", "coding_index", "gop_index", "ref_coding_index", "ref_valid")


class FakeEncode:
    """One encode of the fake pool."""

    def __init__(
        self,
        slot: int,
        config: EncoderConfig,
        clip: FakeClip,
        stats: npt.NDArray[np.float64],
        noise: Callable[[int], npt.NDArray[np.float64]],
        *,
        first_pass: bool,
    ) -> None:
        """`noise(n)`: factors on the bits of the first n coded frames."""
        self.slot, self.config, self.clip, self.stats = slot, config, clip, stats
        self.guard = self.keep_packets = False
        self.position = 0
        self.shapes: list[GopShape] = []
        self.planned: Sequence[GopShape] | None = None
        self.ask_shapes = False
        self.mode = "ask"
        self._first_pass, self._noise_of = first_pass, noise
        self.records = np.zeros(0, RECORD)
        self._reschedule()
        self.shown: list[tuple[int, int, int, int]] = []  # pts, bytes, key, luma error
        self.packets: list[Packet] = []
        self.event: np.void | None = None
        self.asked = self.ended = False
        self.error = ""
        self.guarded = self.decisions = 0
        self._open_packet = b""
        self._qindex_at: dict[int, int] = {}  # show index to the hidden frame's qindex
        self._references = [0, 0, 0]

    def run(self) -> None:
        """Up to the next question, or to the end where nobody is asked."""
        self.advance()
        constant = self._constant_qindex() if self.mode == "libvpx" else 0
        while self.mode != "ask" and not self.ended and not self.asks_shape:
            self.decide(constant or int(self.records[self.position]["q_ref"]))
            self.advance()
        if self.mode == "libvpx":  # no callbacks recorded anything
            self.position = self.decisions = 0

    def plan(self, shapes: Sequence[GopShape]) -> None:
        """Before the first frame: the shapes of the first GOPs."""
        self.planned = shapes
        self._reschedule()

    def _reschedule(self) -> None:
        """After a shape is known: what is coded already stays."""
        shapes = self.shapes if self.planned is None else self.planned
        coded, self.gops = schedule_gops(len(self.stats), self.config, shapes)
        self.schedule = [] if self._first_pass else coded
        self.noise = self._noise_of(len(self.schedule))
        known, self.records = self.records[: self.position], np.zeros(len(self.schedule), RECORD)
        self.records[: self.position] = known

    @property
    def asks_shape(self) -> bool:
        """Whether a GOP begins whose shape is to be decided outside."""
        gop = len(self.shapes)
        return self.ask_shapes and gop < len(self.gops) and self.position == self.gops[gop][0]

    def decide_shape(self, shape: GopShape) -> None:
        """Begins the GOP that waits for its shape."""
        self.shapes.append(shape)
        self._reschedule()
        self.asked = False

    @property
    def frame(self) -> CodedFrame:
        """The pending one."""
        return self.schedule[self.position]

    def advance(self) -> None:
        """Passes show-existing frames, then asks for the next qindex or ends."""
        while self.position < len(self.schedule) and self.frame.frame_type == SHOW_EXISTING:
            self._show_existing()
        event = np.zeros(1, EVENT)[0]
        event["slot"] = self.slot
        if self.position == len(self.schedule):
            self.ended = True
            event["kind"] = _native.EVENT_DONE
        elif self.asks_shape:
            self._fill_shape_question(event)
        else:
            self._fill_request(event)
        self.event = event

    def cancel(self) -> None:
        """The end event of an encode that is given up."""
        event = np.zeros(1, EVENT)[0]
        event["slot"], event["kind"] = self.slot, _native.EVENT_FAILED
        self.event, self.ended, self.asked, self.error = event, True, False, "cancelled"

    def decide(self, asked: int) -> None:
        """Codes the pending frame."""
        frame, record = self.frame, self.records[self.position]
        qindex = min(max(asked, 1), 255)
        if self.guard:
            qindex = self._guarded(qindex)
        bits = self._bits(self.position, qindex)
        record["asked"], record["qindex"] = asked, qindex
        record["bits"], record["pixels"] = bits, self.clip.pixels * 3 // 2
        record["sse"] = self.clip.sse_y(frame.show_index, qindex) * 5 // 4
        self.decisions += 1
        key = f"{self.decisions} {qindex} {bits}".encode()
        self._open_packet += hashlib.shake_128(key).digest(bits // 8)
        if frame.frame_type == ALTREF:
            self._qindex_at[frame.show_index] = qindex
        if frame.shown:
            self._close_packet(qindex)
        self._update_references(int(record["coding_index"]))
        self.position += 1
        self.asked = False

    def _constant_qindex(self) -> int:
        """The least qindex that keeps the whole clip within its target."""
        budget = self._budget_bits()
        fits = (q for q in range(1, 255) if sum(self._bits(i, q) for i in self._coded()) <= budget)
        return next(fits, 255)

    def _coded(self, start: int = 0) -> list[int]:
        return [i for i in range(start, len(self.schedule)) if self.schedule[i].frame_type != SHOW_EXISTING]

    def _budget_bits(self) -> float:
        return float(self.config.target_kbps * 1000 * len(self.stats) / self.config.fps)

    def _bits(self, position: int, qindex: int) -> int:
        frame = self.schedule[position]
        hidden = min((show for show in self._qindex_at if show >= frame.show_index), default=-1)
        bits = self.clip.bits(frame, qindex, self._qindex_at.get(hidden)) * float(self.noise[position])
        return 8 * packet_bytes(bits)

    def _guarded(self, qindex: int) -> int:
        spent = int(self.records["bits"][: self.position].sum())
        rest = sum(self._bits(i, 255) for i in self._coded(self.position + 1))
        left = self._budget_bits() - spent - rest
        used = next((q for q in range(qindex, 255) if self._bits(self.position, q) <= left), 255)
        self.guarded += used > qindex
        return used

    def _fill_shape_question(self, event: np.void) -> None:
        start = self.gops[len(self.shapes)][1]
        event["kind"], event["frame_type"], event["layer"] = _native.EVENT_SHAPE, -1, -1
        event["gop_index"], event["show_index"] = len(self.shapes), start
        key_distance = max(self.config.kf_max_dist, 1)
        next_key = (start // key_distance + 1) * key_distance
        event["frames_left"] = min(len(self.stats), next_key) - 1 - start

    def _fill_request(self, event: np.void) -> None:
        frame, record = self.frame, self.records[self.position]
        record["frame_type"], record["show_index"] = frame.frame_type, frame.show_index
        record["coding_index"] = self.position  # show-existing frames count
        record["gop_index"], record["layer"] = frame.gop_index, frame.layer
        if frame.frame_type != KEY:
            record["ref_coding_index"], record["ref_valid"] = self._references, 1
        known = self.records[: self.position + 1]
        steps = np.zeros((len(known), EVENT["step"].shape[0]), np.float32)
        references = np.zeros(len(known), np.int32)
        config = self.config
        _native.replay_features(
            config.width, config.height, config.target_kbps, self.stats, known, steps, references
        )
        record["q_ref"] = references[-1]
        for name in _REQUEST_FIELDS:
            event[name] = record[name]
        event["layer"], event["q_ref"], event["step"] = frame.layer, references[-1], steps[-1]
        event["kind"] = _native.EVENT_DECISION

    def _show_existing(self) -> None:
        frame, record = self.frame, self.records[self.position]
        for name in ("frame_type", "show_index", "coding_index", "gop_index"):
            record[name] = -1
        qindex = self._qindex_at[frame.show_index]
        # libvpx reports the qindex of the frame before.
        record["bits"], record["qindex"] = _SHOW_EXISTING_BITS, self.records[self.position - 1]["qindex"]
        record["sse"] = self.clip.sse_y(frame.show_index, qindex) * 5 // 4
        record["pixels"] = self.clip.pixels * 3 // 2
        self._open_packet += b"\x88"
        self._close_packet(qindex)
        self.position += 1

    def _close_packet(self, qindex: int) -> None:
        show, key = self.frame.show_index, int(self.frame.frame_type == KEY)
        self.shown.append((show, len(self._open_packet), key, self.clip.sse_y(show, qindex)))
        if self.keep_packets:
            self.packets.append((show, key, self._open_packet))
        self._open_packet = b""
        self._qindex_at.pop(show, None)

    def _update_references(self, coding_index: int) -> None:
        frame_type = self.frame.frame_type
        if frame_type == KEY:
            self._references = [coding_index] * 3
        elif frame_type == ALTREF:
            self._references[2] = coding_index
        else:
            self._references[0] = coding_index
            if frame_type == GOLDEN:
                self._references[1] = coding_index
