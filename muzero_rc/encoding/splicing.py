"""Splicing: one stream out of several encodes of a clip, each segment from the encode that did best there.

A segment begins at a key frame and ends before the next one. A key frame forgets everything before it, so
the packets of any encode may follow those of another one there, and decode to what each encoder saw.
"""

import dataclasses
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from encoder_bridge.encode.gop_shapes import OWN, GopShape, gop_starts
from encoder_bridge.encode.layouts import KEY, SHOW_EXISTING
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.media.psnr import USUAL_SLOPE_DB, psnr_db
from muzero_rc.encoding.coded_frames import move_records
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.gop_search import LONGEST, SHORTEST, key_frames_of
from muzero_rc.types import Array

UNSPENT = 0.5
"""Share of a bit's worth that is counted for what an encode leaves of its target: what is saved is worth
something, and PSNR at the target is what was asked for. Of 0, ¼, ½, ¾ and 1 the best for both, for GOPs
chosen on 16 training clips by shape scans at half and a third of the size (docs/experiments/0052)."""
_Begun = tuple[int, GopShape]
"""The frame that begins a GOP, and the shape that was asked for."""
_BISECTIONS = 60
_STEEPEST = 1e3  # dB a bit: more than any segment gains


@dataclass(frozen=True)
class Segment:
    """Frames that come from one encode.

    Attributes:
        start: the first, a key frame.
        end: the one after the last.
        candidate: number of the encode.
    """

    start: int
    end: int
    candidate: int


@dataclass(frozen=True)
class Splice:
    """An encode that may be made of several.

    Attributes:
        result: of all segments together.
        segments: in order; neighbours come from different encodes.
    """

    result: EncodeResult
    segments: tuple[Segment, ...]

    @property
    def number(self) -> int | None:
        """Of the encode that it is all of; None: it is made of several."""
        return self.segments[0].candidate if len(self.segments) == 1 else None


@dataclass(frozen=True)
class SegmentTable:
    """What E encodes of a clip took for each of its S segments, and what they look like.

    Attributes:
        bits: f8[E, S].
        psnr_db: f8[E, S], sums over frames of luma PSNR.
    """

    bits: Array
    psnr_db: Array

    def choose(self, most_bits: float) -> list[int]:
        """The encode of each segment: the highest PSNR within `most_bits`; the fewest bits where none fits.

        Segments trade bits at one price (a Lagrangian); what is left then buys single segments. Where they
        are few that can leave more than a whole encode does, which is taken then.
        """
        low, high = 0.0, _STEEPEST
        best = self.bits.argmin(0)
        for _ in range(_BISECTIONS):
            price = np.sqrt(low * high) if low else high * 1e-3
            chosen = (self.psnr_db - price * self.bits).argmax(0)
            if self._sum(self.bits, chosen) > most_bits:
                low = price
            else:
                high, best = price, chosen
        wholes = [np.full_like(best, one) for one in np.flatnonzero(self.bits.sum(1) <= most_bits)]
        found = [self._filled(one, most_bits) for one in (best, *wholes)]
        return [int(one) for one in max(found, key=lambda one: self._sum(self.psnr_db, one))]

    def reachable(self) -> frozenset[int]:
        """Encodes that some price chooses for some segment, for which later ones have to be better."""
        return frozenset(
            one
            for bits, psnr_db in zip(self.bits.T, self.psnr_db.T, strict=True)
            for one in _upper_hull(bits, psnr_db)
        )

    def _filled(self, chosen: Array, most_bits: float) -> Array:
        """The same, dearer where it pays best, as far as bits reach."""
        chosen, every = chosen.copy(), np.arange(self.bits.shape[1])
        for _ in range(self.bits.size):
            more = self.bits - self.bits[chosen, every]
            gain = self.psnr_db - self.psnr_db[chosen, every]
            fits = (gain > 0) & (more <= most_bits - self._sum(self.bits, chosen))
            if not fits.any():
                break
            worth = np.where(fits, gain / np.maximum(more, 1.0), -np.inf)
            one, segment = np.unravel_index(int(worth.argmax()), worth.shape)
            chosen[segment] = one
        return chosen

    @staticmethod
    def _sum(table: Array, chosen: Array) -> float:
        return float(table[chosen, np.arange(table.shape[1])].sum())


def _upper_hull(bits: Array, psnr_db: Array) -> list[int]:
    """Indices of the points that no line between others lies on or above, from the fewest bits on."""
    hull: list[int] = []
    for one in np.lexsort((-psnr_db, bits)).tolist():
        if hull and psnr_db[one] <= psnr_db[hull[-1]]:
            continue
        while len(hull) > 1:
            (x, y), (x1, y1) = ((bits[i], psnr_db[i]) for i in hull[-2:])
            if (y1 - y) * (bits[one] - x) > (psnr_db[one] - y) * (x1 - x):
                break
            hull.pop()
        hull.append(one)
    return hull


def _table(results: Sequence[EncodeResult], starts: Sequence[int]) -> SegmentTable:
    """What encodes took for the segments that begin at `starts`, key frames of all of them."""
    rows = []
    for result in results:
        pixels = result.config.width * result.config.height
        psnr = psnr_db(result.shown["sse_y"], pixels, result.config.bit_depth)
        bits = 8.0 * result.shown["bytes"].astype(np.float64)
        rows.append([np.add.reduceat(column, list(starts)) for column in (bits, psnr)])
    bits_of, psnr_of = zip(*rows, strict=True)
    return SegmentTable(np.array(bits_of), np.array(psnr_of))


def best_splice(encodes: Mapping[int, EncodeResult]) -> tuple[Splice, frozenset[int]]:
    """The best that encodes of a clip at one target can be made into, and what may yet be needed of them.

    Args:
        encodes: by number, with records.

    Returns:
        The splice of the highest mean PSNR that keeps the target, or of the lowest rate; and the numbers of
        the encodes that a later splice may take something from.
    """
    numbers, results = list(encodes), list(encodes.values())
    starts = _common_starts(results)
    table, one = _table(results, starts), results[0]
    most_bits = 1000.0 * one.config.target_kbps * float(one.frames / one.config.fps)
    chosen = table.choose(most_bits)
    segments = _segments([numbers[i] for i in chosen], starts, one.frames)
    made_of = [results[i] for i in chosen]
    result = made_of[0] if len(segments) == 1 else _joined(made_of, starts)
    needed = {numbers[i] for i in chosen}
    if len(starts) > 1:  # alone, a segment only ever gets better
        needed |= {numbers[i] for i in table.reachable()}
    return Splice(result, segments), frozenset(needed)


def best_gops(encodes: Sequence[EncodeResult]) -> GopPlan:
    """From each key frame to the next the GOPs of the encode that did best, bits at `UNSPENT` of their price.

    Args:
        encodes: of a clip at one target, with records; of those that did as well the first counts.
    """
    starts = _common_starts(encodes)
    table = _table(encodes, starts)
    price = UNSPENT * USUAL_SLOPE_DB * encodes[0].frames / table.bits.sum(1).mean()
    chosen = (table.psnr_db - price * table.bits).argmax(0)
    ends = (*starts[1:], encodes[0].frames)
    begun = {i: _begun(encodes[i]) for i in set(chosen.tolist())}
    longest = min(LONGEST, encodes[0].config.lag_in_frames - 2)
    shapes = (
        tuple(_by_number(_within(begun[i], start, end), end, longest))
        for i, start, end in zip(chosen.tolist(), starts, ends, strict=True)
    )
    return GopPlan(tuple(starts), tuple(shapes))


def _common_starts(encodes: Sequence[EncodeResult]) -> list[int]:
    """Key frames of all of them."""
    return sorted(set.intersection(*(set(key_frames_of(one)) for one in encodes)) | {0})


def _joined(results: Sequence[EncodeResult], starts: Sequence[int]) -> EncodeResult:
    """The encode that is made of one segment of each result.

    Args:
        results: of the same clip and settings, one for each segment; `packets` are not looked at.
        starts: of the segments, key frames of all results.
    """
    ends = (*starts[1:], results[0].frames)
    records, shown, shapes = [], [], []
    begun = {id(result): _begun(result) for result in {id(one): one for one in results}.values()}
    coded = 0
    for result, start, end in zip(results, starts, ends, strict=True):
        begins = np.flatnonzero(result.records["frame_type"] == KEY)
        shows = result.records["show_index"][begins]
        first = int(begins[shows == start][0])
        last = int(begins[shows == end][0]) if end < result.frames else len(result.records)
        part = result.records[first:last].copy()
        move_records(part, coded=coded - first)
        coded += len(part)
        records.append(part)
        shown.append(result.shown[start:end])
        shapes.append([shape for _, shape in _within(begun[id(result)], start, end)])
    joined = np.concatenate(records)
    asked = joined["frame_type"] != SHOW_EXISTING
    limited = np.clip(joined["asked"], 1, 255)
    outcome = {
        **results[0].outcome,
        "decisions": int(asked.sum()),
        "guarded": int((joined["qindex"] != limited)[asked].sum()),
        "fallbacks": int(joined["fallback"][asked].sum()),
    }
    return dataclasses.replace(
        results[0],
        records=joined,
        shown=np.concatenate(shown),
        outcome=outcome,
        packets=(),
        shapes=tuple(shape for part in shapes for shape in part),
    )


def _begun(result: EncodeResult) -> list[_Begun]:
    """The GOPs of an encode; nothing may have been asked of the last ones."""
    starts = gop_starts(result.records)
    asked = dict(zip(starts, result.shapes, strict=False))
    return [(at, asked.get(at, GopShape())) for at in starts]


def _within(begun: Sequence[_Begun], start: int, end: int) -> list[_Begun]:
    """Of GOPs in order, those that begin in these frames."""
    first, last = (bisect_left(begun, at, key=lambda one: one[0]) for at in (start, end))
    return list(begun[first:last])


def _by_number(begun: Sequence[_Begun], end: int, longest: int) -> Iterator[GopShape]:
    """The shapes of GOPs up to a key frame, libvpx's own lengths by number: it has others at another size."""
    afters = [at for at, _ in begun[1:]]
    for (at, shape), after in zip(begun, (*afters, end - 1), strict=True):
        if shape.length != OWN or not SHORTEST <= after - at <= longest:
            yield shape
            continue
        yield dataclasses.replace(shape, length=after - at)
        if at == begun[-1][0]:
            yield GopShape()  # its alt-ref begins one more, before the key frame


def _segments(numbers: Sequence[int], starts: Sequence[int], frames: int) -> tuple[Segment, ...]:
    """Neighbours from the same encode are one."""
    bounds = [i for i, one in enumerate(numbers) if i == 0 or numbers[i - 1] != one]
    places = [*(starts[i] for i in bounds), frames]
    return tuple(
        Segment(start, end, numbers[i]) for i, (start, end) in zip(bounds, pairwise(places), strict=True)
    )
