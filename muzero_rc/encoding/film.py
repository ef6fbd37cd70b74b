"""Films: second passes of one clip in parallel, cut at key frames, joined without a seam.

The parts, their shares of the bits and all that follows depend on the film and the settings, never on
which worker was done first.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from typing import IO, Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import FilmPart, deal, key_frames
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import Records
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.coded_frames import move_records
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.part_store import PartStore, as_bytes, name_of, read
from muzero_rc.encoding.passes import PacketSink, played_pass, second_pass
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.workers import Told, run_all

MOST_PARTS = 64
USUAL_FRAMES = 600
"""Of a part, where the film is long enough: each learns anew how far the controller's model is off."""
LEAST_FRAMES = 16

_Run = Callable[[PacketSink, Told], EncodeResult]


@dataclass(frozen=True)
class FilmResult(EncodeResult):
    """A film's encode; its records count the film's frames."""

    part_shapes: tuple[tuple[GopShape, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Film:
    """A clip to be coded in parts.

    Attributes:
        clip: all of it.
        first: its first pass.
        starts: the frames that begin a part, ascending from 0.
        workers: encodes at once.
        store: keeps finished parts.
    """

    clip: VideoFile
    first: FirstPass
    starts: tuple[int, ...]
    workers: int
    store: PartStore


def cut(first: FirstPass, config: EncoderConfig, workers: int) -> tuple[int, ...]:
    """The frames that begin a part: some of libvpx's key frames, about as far from each other.

    Long films are cut alike for any number of workers; a short one into as many parts as there are workers,
    if its key frames allow.
    """
    count = min(MOST_PARTS, max(workers, first.frames // USUAL_FRAMES))
    starts, keys = [0], key_frames(first, config)
    for number in range(1, count):
        wanted = number * first.frames / count
        free = [k for k in keys if starts[-1] + LEAST_FRAMES <= k <= first.frames - LEAST_FRAMES]
        if free:
            starts.append(min(free, key=lambda k: (abs(k - wanted), k)))
    return tuple(starts)


def encode_film(
    film: Film,
    config: EncoderConfig,
    writer: PacketSink,
    *,
    policy: _native.Policy,
    gops: GopPlan | None = None,
    progress: Told | None,
) -> FilmResult:
    """A second pass under a policy; all packets are in `writer`'s file afterwards.

    Args:
        film: in its parts.
        config: with the film's size, frame rate and target.
        writer: takes the packets.
        policy: decides in every part, under one budget for all of them.
        gops: of the film, in place of the policy's.
        progress: as in `encoder_bridge.encode.run.encode`.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """

    def job(part: FilmPart) -> tuple[str, _Run]:
        shapes = None if gops is None else gops.within(part.first, part.frames)

        def run(sink: PacketSink, told: Told) -> EncodeResult:
            return second_pass(
                film.clip,
                part.first_pass,
                config,
                sink,
                policy=policy,
                shapes=shapes,
                part=part,
                progress=told,
            )

        return _name(part, config, shapes), run

    parts = deal(film.first, config, film.starts)
    return _run(film, config, writer, [job(part) for part in parts], progress)


def play_film(
    film: Film,
    config: EncoderConfig,
    writer: PacketSink,
    plan: QindexPlan,
    before: FilmResult,
    *,
    progress: Told | None,
) -> FilmResult:
    """A second pass that follows a plan for the whole film, which was made from the encode `before`."""

    def of(part: FilmPart, own: QindexPlan) -> _Run:
        def run(sink: PacketSink, told: Told) -> EncodeResult:
            return played_pass(film.clip, part.first_pass, config, sink, own, told, part=part)

        return run

    plans = [*_split(plan, film.starts, before)]
    shares = _shares(plan, plans, before, 1000 * config.target_kbps * float(film.first.frames / config.fps))
    ends = [*film.starts[1:], film.first.frames]
    jobs = []
    for start, end, share, own in zip(film.starts, ends, shares, plans, strict=True):
        part = FilmPart(film.first, start, end - start, share)
        jobs.append((_name(part, config, astuple(own)), of(part, own)))
    return _run(film, config, writer, jobs, progress)


def _name(part: FilmPart, config: EncoderConfig, plan: Sequence[Any] | None = None) -> str:
    """Of a part that is made as `plan` says."""
    numbers = f"{part.first} {part.frames} {part.bits!r}"
    words = "" if plan is None else json.dumps(plan, default=astuple)
    return name_of((numbers, config.settings_key(), words))


def _run(
    film: Film,
    config: EncoderConfig,
    writer: PacketSink,
    jobs: Sequence[tuple[str, _Run]],
    progress: Told | None,
) -> FilmResult:
    """Makes the parts that are not there yet, then joins all."""

    def job(name: str, run: _Run) -> Callable[[Told], IO[bytes]]:
        def work(told: Told) -> IO[bytes]:
            found = film.store.load(name)
            if found is not None:
                return found
            sink = _Collected()
            result = run(sink, told)
            return film.store.store(name, as_bytes(result, sink.packets))

        return work

    files = run_all([job(name, run) for name, run in jobs], film.workers, progress)
    return _join(film.starts, files, config, writer)


class _Collected:
    """Packets of one part."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []

    def write(self, packets: Sequence[Packet]) -> None:
        self.packets.extend(packets)

    def flush(self) -> None:
        """Nothing waits."""


def _join(
    starts: Sequence[int], files: Sequence[IO[bytes]], config: EncoderConfig, writer: PacketSink
) -> FilmResult:
    """Writes the packets of all parts, one part in memory at a time; every part begins with a key frame."""
    records: list[Records] = []
    shown: list[Records] = []
    shapes: list[tuple[GopShape, ...]] = []
    outcome: dict[str, Any] = {}
    coded = 0
    for start, file in zip(starts, files, strict=True):
        with closing(file):
            part = read(file, config)
        writer.write([(start + pts, key, data) for pts, key, data in part.packets])
        for name, value in part.outcome.items():
            outcome[name] = value if isinstance(value, bool | str) else outcome.get(name, 0) + value
        part.shown["pts"] += start
        move_records(part.records, coded=coded, shown=start)
        coded += len(part.records)
        records.append(part.records)
        shown.append(part.shown)
        shapes.append(part.shapes)
    writer.flush()
    return FilmResult(
        config,
        np.concatenate(records),
        np.concatenate(shown),
        outcome,
        shapes=tuple(shape for part_shapes in shapes for shape in part_shapes),
        part_shapes=tuple(shapes),
    )


def _split(plan: QindexPlan, starts: Sequence[int], before: FilmResult) -> Iterator[QindexPlan]:
    """Each part's own plan, in frames of the part."""
    place = np.array(plan.show_index)
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else np.inf
        own = np.flatnonzero((place >= start) & (place < end))
        yield QindexPlan(
            qindex=tuple(plan.qindex[i] for i in own),
            frame_type=tuple(plan.frame_type[i] for i in own),
            layer=tuple(plan.layer[i] for i in own),
            show_index=tuple((place[own] - start).tolist()),
            named=plan.named,
            shapes=before.part_shapes[number] if plan.shapes else (),
        )


def _shares(
    plan: QindexPlan, plans: Sequence[QindexPlan], before: FilmResult, target_bits: float
) -> list[float]:
    """What each part may take of the target: in proportion to what its plan is expected to take.

    A frame has half the bits at twice the quantizer step.
    """
    coded = before.records[before.records["frame_type"] >= 0]
    steps = np.array(_native.quantizer_steps(before.config.bit_depth))
    bits = coded["bits"] * np.exp2(steps[coded["qindex"]] - steps[np.array(plan.qindex)])
    ends = np.cumsum([len(own.qindex) for own in plans])
    taken = np.array([own.sum() for own in np.split(bits, ends[:-1])])
    return [float(share) for share in target_bits * taken / taken.sum()]
