"""GOP search: which lengths of GOPs to try next, from what a policy foresees and what encodes have shown.

What a GOP is worth is a Gaussian process over where it begins and ends. Its mean is what a policy of shapes
foresees. GOPs are alike as far as they cover the same frames, and a little where they are equally long. Every
encode tells what each of its GOPs cost, against the mean of all encodes over the same frames. The sequence to
try is the best one under a draw from the posterior (Thompson sampling), found by the planner in C.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.gop_shapes import OWN, gop_starts
from encoder_bridge.encode.layouts import KEY
from encoder_bridge.encode.lookahead import GOP_LENGTHS, lookahead_of
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.media.psnr import USUAL_SLOPE_DB, psnr_db
from muzero_rc.encoding.gop_costs import bits_by_frame, frame_costs
from muzero_rc.types import Array

SHORTEST, LONGEST = GOP_LENGTHS[0], GOP_LENGTHS[-1]
USUAL, SHORTER, LONGER = 16, 1.2, 0.5
"""Frames of the GOPs that serve most clips, and what an octave to either side costs, per cent."""
OVERLAP, OVERLAP_POWER = 3.0, 2.0
"""Standard deviation of what GOPs are worth beyond what is foreseen, per cent of rate; and how fast two
become strangers: the power of their common frames' share. With those below, the best of a few for shape scans
of 50 training clips."""
BY_LENGTH, ALIKE_OCTAVES = 0.75, 0.36
"""The same of what equally long GOPs share; log2 of the lengths' ratio that is still alike."""
NOISE, NOISE_FRAMES = 3.0, 8
"""Standard deviation of what an encode says of a GOP of so many frames, per cent."""
DRAWN = 0.4
"""Share of that standard deviation that is drawn: the whole of it tries too much that is far from good."""
_STRETCH = 128  # frames whose GOPs are judged together
_LIFT = 100.0  # per cent: so that libvpx's own lengths, whose worth is not known, are never planned

WorthAt = Callable[[float], Array]
"""log2 quantizer step of plain inter frames to f4[T, lengths], what GOPs are worth in per cent of rate."""


@dataclass(frozen=True)
class GopTrial:
    """What an encode tells of GOPs.

    Attributes:
        gops: f8[G, 2], the frames where they begin and end.
        cost: f8[T], per cent of rate, of `muzero_rc.encoding.gop_costs.frame_costs`.
    """

    gops: Array
    cost: Array


@dataclass(frozen=True)
class GopOutlook:
    """What is known of a clip's GOPs before any is tried.

    Attributes:
        worth: f4[T, lengths], as foreseen; by where a GOP begins and its length, the shortest first.
        key_frames: where there are some, the first frame among them.
        longest: length that there is look-ahead for.
    """

    worth: Array
    key_frames: tuple[int, ...]
    longest: int


def usual_worth(frames: int) -> Array:
    """f4[T, lengths]: what lengths are worth on most clips."""
    octaves = np.log2(np.array(GOP_LENGTHS) / USUAL)
    worth = -SHORTER * np.maximum(-octaves, 0) - LONGER * np.maximum(octaves, 0)
    return np.tile(worth.astype(np.float32), (frames, 1))


def worth_of(policy: _native.Policy, stats: Array) -> WorthAt:
    """What a policy foresees of a clip; `usual_worth` where it decides no lengths.

    Args:
        policy: of shapes, or another.
        stats: f8[T, 25], of the first pass; without the lookahead's notes nothing is foreseen either.
    """
    found = lookahead_of(np.asarray(stats)) if policy.info["kind"] == "shapes" else None

    def at(step: float) -> Array:
        if found is None:
            return usual_worth(len(stats))
        features = len(_native.feature_tables()["shape"])
        table = np.zeros((len(stats), len(GOP_LENGTHS), features), np.float32)
        _native.shape_features(found, step, table)
        worth = np.zeros(table.shape[:2], np.float32)
        policy.shape_worth(table.reshape(-1, features), worth.reshape(-1))
        return worth

    return at


def key_frames_of(result: EncodeResult) -> tuple[int, ...]:
    """Show indices."""
    records = result.records
    return tuple(int(at) for at in records["show_index"][records["frame_type"] == KEY])


def trial_of(result: EncodeResult, mean_bits: float) -> GopTrial:
    """What an encode tells.

    Args:
        result: of the encode.
        mean_bits: of a frame, in the encode that all are compared with.
    """
    frames, config = result.frames, result.config
    starts = sorted({*gop_starts(result.records), 0})
    keys = set(key_frames_of(result))
    ends = [start - 1 if start in keys else start for start in starts[1:]] + [frames - 1]
    psnr = psnr_db(result.shown["sse_y"], config.width * config.height, config.bit_depth)
    cost = frame_costs(bits_by_frame(result.records, frames), mean_bits, starts, psnr, USUAL_SLOPE_DB)
    gops = np.array([(a, b) for a, b in zip(starts, ends, strict=True) if b > a], np.float64)
    return GopTrial(gops.reshape(-1, 2), cost)


def lengths_to_try(outlook: GopOutlook, trials: Sequence[GopTrial], rng: np.random.Generator) -> list[int]:
    """The lengths of the clip's GOPs, in order; `OWN` where a stretch between key frames is too short."""
    return planned(outlook, drawn_worth(outlook, trials, rng))


def planned(outlook: GopOutlook, worth: Array) -> list[int]:
    """The best sequence of lengths under f4[T, lengths] of worth.

    Before each key frame but the first there is a GOP that is nobody's choice: the last alt-ref begins it.
    """
    frames = len(worth)
    lifted = np.ascontiguousarray(worth + _LIFT, np.float32)
    lengths: list[int] = []
    for start, after in zip(outlook.key_frames, (*outlook.key_frames[1:], frames), strict=True):
        flush = frames - 1 - outlook.longest
        stretch = _native.plan_gops(lifted, start, after - 1, outlook.longest, flush)
        lengths += [*stretch, OWN] if stretch else [OWN]
    return lengths


def drawn_worth(outlook: GopOutlook, trials: Sequence[GopTrial], rng: np.random.Generator) -> Array:
    """f4[T, lengths]: what GOPs may be worth, drawn from the posterior by Matheron's rule.

    A draw from the prior is corrected by how far it is off where encodes have measured.
    """
    field = _Field(len(outlook.worth), rng)
    usual = np.mean([trial.cost for trial in trials], 0)
    gops = np.concatenate([trial.gops for trial in trials])
    told = np.concatenate([-_means(trial.cost - usual, trial.gops) for trial in trials])
    said = _foreseen(outlook.worth, gops) + field.of(gops)
    said -= _shared(trials, said, len(usual), gops)
    spread = NOISE * np.sqrt(NOISE_FRAMES / (gops[:, 1] - gops[:, 0]))
    off = told + spread * rng.standard_normal(len(told)) - said
    worth = outlook.worth.astype(np.float64)
    for begin in range(0, len(worth), _STRETCH):
        near = (gops[:, 1] > begin - LONGEST) & (gops[:, 0] < begin + _STRETCH + LONGEST)
        every = _every_gop(begin, min(begin + _STRETCH, len(worth)))
        weights = np.linalg.solve(_alike(gops[near], gops[near]) + np.diag(spread[near] ** 2), off[near])
        moved = field.of(every) + _alike(every, gops[near]) @ weights
        worth[begin : begin + _STRETCH] += moved.reshape(-1, len(GOP_LENGTHS))
    return worth.astype(np.float32)


def _means(by_frame: Array, gops: Array) -> Array:
    """f8[G]: over each GOP's frames, the one that begins it left out."""
    sums = np.concatenate([[0.0], np.cumsum(by_frame)])
    begins, ends = gops.astype(np.int64).T
    return np.asarray((sums[ends + 1] - sums[begins + 1]) / (ends - begins))


def _foreseen(worth: Array, gops: Array) -> Array:
    """f8[G]: 0 for GOPs that no policy may plan."""
    begins, lengths = gops[:, 0].astype(np.int64), (gops[:, 1] - gops[:, 0]).astype(np.int64)
    known = (lengths >= SHORTEST) & (lengths <= LONGEST)
    column = np.where(known, lengths - SHORTEST, 0)
    return np.where(known, worth[begins, column], 0.0).astype(np.float64)


def _shared(trials: Sequence[GopTrial], said: Array, frames: int, gops: Array) -> Array:
    """f8[G]: the mean over all trials of what was said of the same frames: costs tell only differences."""
    by_frame, at = np.zeros((len(trials), frames)), 0
    for row, trial in zip(by_frame, trials, strict=True):
        for begin, end in trial.gops.astype(np.int64):
            row[begin + 1 : end + 1] = said[at]
            at += 1
    return _means(by_frame.mean(0), gops)


def _every_gop(begin: int, end: int) -> Array:
    """f8[N, 2]: those of all lengths that begin in `begin` to `end` - 1."""
    starts = np.repeat(np.arange(begin, end, dtype=np.float64), len(GOP_LENGTHS))
    return np.asarray(np.stack([starts, starts + np.tile(GOP_LENGTHS, end - begin)], 1))


def _alike(one: Array, other: Array) -> Array:
    """f8[N, M]: covariances, in per cent of rate squared."""
    (begin, end), (begins, ends) = one.T[:, :, None], other.T[:, None, :]
    common = np.maximum(np.minimum(end, ends) - np.maximum(begin, begins), 0)
    whole = np.maximum(end, ends) - np.minimum(begin, begins)
    octaves = np.log2(end - begin) - np.log2(ends - begins)
    by_length = BY_LENGTH**2 * np.exp(-0.5 * (octaves / ALIKE_OCTAVES) ** 2)
    return np.asarray(OVERLAP**2 * (common / whole) ** OVERLAP_POWER + by_length)


class _Field:
    """A draw from the prior, near enough: noise on a grid of places and log lengths, and of lengths alone."""

    _FRAMES, _OCTAVES, _MOST = 12.0, 0.4, 6.0  # of a cell; log2 of the longest GOP, for the grid's size

    def __init__(self, frames: int, rng: np.random.Generator) -> None:
        cells = int((frames + LONGEST) / self._FRAMES) + 2, int(self._MOST / self._OCTAVES) + 2
        self._local = rng.standard_normal(cells)
        self._lengths: Array = rng.standard_normal((cells[1],))

    def of(self, gops: Array) -> Array:
        """f8[G]."""
        place = 0.5 * (gops[:, 0] + gops[:, 1]) / self._FRAMES
        octave = np.minimum(np.log2(gops[:, 1] - gops[:, 0]), self._MOST) / self._OCTAVES
        local, at_length = np.zeros(len(gops)), np.zeros(len(gops))
        i, j = place.astype(np.int64), octave.astype(np.int64)
        for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
            by_place = np.abs(1 - di - (place - i))
            by_octave = np.abs(1 - dj - (octave - j))
            # Square roots keep the variance the same between the points of the grid.
            local += np.sqrt(by_place * by_octave) * self._local[i + di, j + dj]
            if di == 0:
                at_length += np.sqrt(by_octave) * self._lengths[j + dj]
        return np.asarray(DRAWN * (OVERLAP * local + BY_LENGTH * at_length))
