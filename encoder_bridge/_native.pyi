"""The C extension: libvpx encoders in threads, and the feature table.

Buffers are anything with the buffer protocol (numpy arrays), C-contiguous.
Layouts come from C's own offsetof, so that Python never repeats a struct.
"""

from typing import Any, TypeAlias

Buffer: TypeAlias = Any
"""An object with the buffer protocol (typing knows it from Python 3.12 on)."""

EVENT_DECISION: int  # a frame waits for its qindex
EVENT_DONE: int  # the encode ended well
EVENT_FAILED: int  # the encode ended badly: outcome()["error"] says why
EVENT_SHAPE: int  # a GOP is about to begin and waits for its shape

FRAME_TYPES: tuple[str, ...]
"""Names of C's frame types, in the order of its enum: "key", "inter", "altref", "overlay", "golden"."""

LAYERS: tuple[str, ...]
"""Names of C's layers, in the order of its enum: "key", "top", "second", "third", "fourth" (and
deeper), "leaf", "overlay"."""

class NativeError(RuntimeError):
    """libvpx or the bridge failed; the message says what."""

class WaitTimeout(TimeoutError):
    """A wait passed its deadline."""

def open_libvpx(name: str) -> None:
    """Opens the libvpx that encodes from now on: a file, or a name that the loader looks for.

    NativeError says why it cannot be: no libvpx, or none that is known.
    """

def versions() -> dict[str, str | int]:
    """The libvpx that encodes: "libvpx_runtime" (its version), "libvpx_path", "encoder_abi", "ext_rc_abi",
    "high_bit_depth" (1: it codes 10 and 12 bits), "key_frame_filtering" (1: it can filter key frames),
    "filter_strength" (of the alt-ref's filter, that serves it best; -1: its own); and "feature_version".

    Looks for one at first, as encoder_bridge.libvpx says, and raises what it raises.
    """

def feature_tables() -> dict[str, list[tuple[str, str]]]:
    """ "clip", "frame", "step": (name, unit) of each feature."""

def offset_constants() -> dict[str, float]:
    """The controller's constants that a policy may move, by name."""

def quantizer_steps(bit_depth: int = 8, /) -> list[float]:
    """log2 of the luma AC step, in pixels of 8 bits, of qindex 0 to 255 at a bit depth of 8, 10 or 12."""

def event_layout() -> tuple[int, list[tuple[str, str, int]]]:
    """Item size and (name, numpy format, offset) of one event: slot, kind, frame_type, show_index,
    coding_index, gop_index, ref_coding_index (3i4), ref_valid (3i4), layer, q_ref, frames_left, flush,
    step (Nf4). Of EVENT_SHAPE gop_index counts the GOPs before it, show_index is of the frame that
    begins it (after a GOP without an alt-ref: of the earliest that can), frames_left are those after
    it to the clip's end or the next key frame foreseen, and with flush all GOPs to the clip's end get
    this shape; frame_type and layer are -1, the rest is 0. Of other events frames_left and flush are 0.
    """

def record_layout() -> tuple[int, list[tuple[str, str, int]]]:
    """One record per result: frame_type (-1: show-existing), show_index, coding_index, gop_index,
    ref_coding_index (3i4), ref_valid (3i4), layer, q_ref, asked, qindex (used, as libvpx
    reports it), fallback, planned (length + 256 layers of the next GOP, where decided), sse (i8),
    bits (i8), pixels (i8).
    """

def shown_layout() -> tuple[int, list[tuple[str, str, int]]]:
    """One per packet: pts (i8), bytes (i8), key (i4), sse_y, sse_u, sse_v (i8; -1 without PSNR)."""

def config_fields() -> list[tuple[str, int]]:
    """Names and defaults of Pool.start's encoder settings."""

def lookahead_layout() -> tuple[int, list[tuple[str, str, int]]]:
    """One per shown frame; names and units: native/lookahead/analysis.h."""

def gop_candidate_layout() -> tuple[int, list[tuple[str, str, int]]]:
    """One per start and length; names and units: native/lookahead/candidate.h."""

def lookahead(frames: Buffer, width: int, height: int, noted: bool, out: Buffer) -> None:
    """Fills one item of `lookahead_layout()` a frame. `frames`: luma or planar 4:2:0, back to back.
    `noted`: as first-pass statistics would have it.
    """

def lookahead_notes(stats: Buffer, out: Buffer) -> bool:
    """Fills the same from the notes in first-pass statistics, f8[T, 25]; False, and zeros, without them."""

def gop_candidates(frames: Buffer, lengths: Buffer, out: Buffer) -> None:
    """Fills [T, L] items of `gop_candidate_layout()`: GOPs from each of T frames (as `lookahead`
    fills them) on, of i4[L] `lengths`; all -1 where the clip ends before.
    """

def shape_features(frames: Buffer, step: float, out: Buffer) -> None:
    """Fills f4[T, lengths, features]: GOPs from each of T frames (as `lookahead` fills them) on, by length
    from the shortest; `step` is the log2 quantizer step of plain inter frames."""

def plan_gops(worth: Buffer, start: int, end: int, longest: int, flush: int) -> list[int]:
    """Lengths of the GOPs that fill frames `start` to `end` with the greatest worth, f4[T, lengths] of a
    frame by where its GOP begins; those from `flush` on share one. Nothing longer than `longest`; a GOP
    that is worth less than 0 with all that follows ends the list. ValueError for sizes that do not go
    together."""

def key_frames(width: int, height: int, kf_max_dist: int, stats: Buffer) -> list[int]:
    """Show indices of the key frames that libvpx will place, from first-pass statistics, f8[T, 25]."""

def deal_film(
    width: int, height: int, target_kbps: int, stats: Buffer, starts: Buffer, bits_out: Buffer
) -> None:
    """Fills f8[P]: what parts that begin at i4[P] `starts` may take of a film's bits, at one base step.
    `stats`: f8[T, 25] of the film."""

def first_pass_part(blob: bytes, first: int, count: int) -> bytes:
    """The blob of `count` frames of a film from frame `first` on, as if they were all there is."""

def observe_clip(
    width: int, height: int, target_kbps: int, stats: Buffer, clip_out: Buffer, frames_out: Buffer
) -> None:
    """Fills f4[clip features] and f4[T, frame features]. `stats`: f8[T, 25]."""

def replay_features(
    width: int,
    height: int,
    target_kbps: int,
    stats: Buffer,
    records: Buffer,
    step_out: Buffer,
    q_ref_out: Buffer,
) -> None:
    """What a policy would have seen had these `records` happened under `target_kbps`.

    Fills f4[N, step features] and i4[N] q_ref, one row per record (zeros for show-existing ones).
    """

BITS_PLAIN: int
BITS_INPUTS: int

def bits_inputs(
    width: int, height: int, target_kbps: int, stats: Buffer, records: Buffer, inputs_out: Buffer
) -> None:
    """The bits model's inputs, f4[N, BITS_INPUTS], one row per record; for fitting it."""

class Policy:
    """A policy file or "controller", shared by any number of encodes."""

    def __init__(self, name: str) -> None: ...
    info: dict[str, Any]
    """What runs: name, kind ("controller", "network", "shapes"), feature_version; of the latter two
    parameters, bytes; of a network also network (sizes), actions, action_mode, decision."""
    def forward(
        self, clip: Buffer, frames: Buffer, steps: Buffer, show_index: Buffer, logits_out: Buffer
    ) -> None:
        """The network alone, for tests: f4[clip features], f4[T, frame features],
        f4[N, step features], i4[N] -> f4[N, actions]. ValueError for the controller.
        """
    def shape_worth(self, features: Buffer, worth_out: Buffer) -> None:
        """What GOPs are worth to a policy of shapes, for tests: f4[N, shape features] -> f4[N], per cent
        of rate. ValueError for other policies."""

class Pool:
    """`slots` encoders, each in a thread of its own while it runs."""

    def __init__(self, slots: int) -> None: ...
    def start(
        self,
        slot: int,
        config: dict[str, int],
        source: int | Buffer,
        *,
        stats: bytes | None = None,
        mode: str = "ask",
        policy: Policy | None = None,
        guard: bool = True,
        keep_packets: bool = False,
        shapes: Buffer | None = None,
        ask_shapes: bool = False,
        film: bytes | None = None,
        film_first: int = 0,
        film_bits: float = 0.0,
    ) -> None:
        """Starts an encode in a free slot.

        source: raw planar 4:2:0 frames, back to back: a buffer (kept alive, never copied) or the
        number of a file descriptor to read until its end (duplicated; the caller closes its own).
        stats: the first pass's blob; None runs the first pass.
        mode: "ask" hands every frame to recv(); "policy" runs `policy` in C; "libvpx" leaves
        libvpx's own rate control alone.
        shapes: i4[G, 4] of the GOPs in the order in which libvpx begins them: length (4 to lag - 2, 0
        libvpx's own), layers (auto-alt-ref 1 to 6, 0 or -1 as configured), strength (0 to 6) and
        frames (0 to 15) of the alt-ref's filter (-1 as configured). After the list's end they are
        libvpx's own; None leaves them to the policy, or to libvpx. With "ask" and "policy" only.
        ask_shapes: hands the question of each GOP's shape to recv() as EVENT_SHAPE; also with "policy".
        film: the blob of the film of which this is a part, from frame film_first on, that may take film_bits;
        with "ask" and "policy" only. `stats` are then those of first_pass_part().
        """
    def recv(self, n: int, timeout_s: float, out: Buffer) -> int:
        """Waits until `n` events (or one per running slot, whichever is less) are there and writes
        up to len(out); returns how many. 0 when nothing runs. Raises WaitTimeout.
        """
    def send(self, slots: Buffer, qindexes: Buffer) -> None:
        """i4 slots that wait for a decision and their i4 qindexes (any value: C clamps)."""
    def send_shapes(self, slots: Buffer, shapes: Buffer) -> None:
        """i4 slots that wait for a GOP's shape, and their shapes, i4[n, 4] as `shapes` of start()."""
    def progress(self, slot: int) -> tuple[int, int, int]:
        """Frames read, packets out, packet bytes out, so far; for progress lines."""
    def wait(self, slot: int, timeout_s: float) -> bool:
        """True once the slot's encode has ended."""
    def outcome(self, slot: int) -> dict[str, Any]:
        """Of an ended encode: ok, error, frames, decisions, guarded, fallbacks, packet_bytes,
        encode_seconds (thread CPU time), wait_seconds (waiting for decisions).
        """
    def records(self, slot: int) -> bytes:
        """All of an ended encode; those so far while it waits for a decision that recv() has told of."""
    def shapes(self, slot: int) -> bytes:
        """i4[G, 4]: what was asked for, GOP by GOP, to be fed back as `shapes`; when, as records()."""
    def shown(self, slot: int) -> bytes:
        """One row per packet that libvpx has given out, as `records`: all, or those so far."""
    def stats(self, slot: int) -> bytes:
        """The first pass's blob, after a first pass."""
    def frame_stats(self, blob: bytes) -> bytes:
        """f8[T, 25] as the callbacks send them, from a first-pass blob (the closing total left out)."""
    def take_packets(self, slot: int) -> list[tuple[int, int, bytes]]:
        """(pts, key, data) of the packets made since the last call; any time during the encode."""
    def cancel(self, slot: int) -> None:
        """Ends the slot's encode soon, wherever it waits; the slot then ends with EVENT_FAILED."""
    def close(self) -> None:
        """Cancels everything, joins every thread, frees all memory. Twice is fine."""
