"""GOP search: plans fill the clip, and what encodes tell makes the next ones better."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.gop_shapes import OWN
from muzero_rc.encoding.gop_search import (
    LONGEST,
    SHORTEST,
    USUAL,
    GopOutlook,
    GopTrial,
    drawn_worth,
    lengths_to_try,
    planned,
    usual_worth,
)

FRAMES = 120
LENGTHS = LONGEST - SHORTEST + 1


def outlook(worth: Any = None, key_frames: tuple[int, ...] = (0,), longest: int = LONGEST) -> GopOutlook:
    return GopOutlook(usual_worth(FRAMES) if worth is None else worth, key_frames, longest)


def test_usual_lengths_where_nothing_else_is_known() -> None:
    lengths = planned(outlook(), usual_worth(FRAMES))
    assert sum(lengths) == FRAMES - 1
    assert np.median(lengths) == pytest.approx(USUAL, abs=2)


@pytest.mark.parametrize("longest", [7, 9, LONGEST])
@pytest.mark.parametrize("keys", [(0,), (0, 50), (0, 2, 50, 118)])
@pytest.mark.parametrize("seed", range(3))
def test_plans_fill_the_frames_between_key_frames(longest: int, keys: tuple[int, ...], seed: int) -> None:
    worth = np.random.default_rng(seed).normal(0, 3, (FRAMES, LENGTHS)).astype(np.float32)
    lengths = planned(outlook(worth, keys, longest), worth)
    assert all(length == OWN or SHORTEST <= length <= longest for length in lengths)
    stretches: list[list[int]] = [[]]
    for length in lengths:
        stretches += [[]] if length == OWN else []
        if length != OWN:
            stretches[-1].append(length)
    spans = [after - 1 - key for key, after in pairwise((*keys, FRAMES))]
    assert [sum(stretch) for stretch in stretches if stretch] == [s for s in spans if s >= SHORTEST]


def test_the_best_of_all_sequences() -> None:
    worth = np.random.default_rng(5).normal(0, 1, (31, LENGTHS)).astype(np.float32)

    def best(start: int) -> float:
        if start == 30:
            return 0.0
        return max(
            (length * worth[start, length - SHORTEST] + best(start + length))
            for length in range(SHORTEST, 31 - start)
            if length <= LONGEST and (30 - start - length >= SHORTEST or start + length == 30)
        )

    lengths = _native.plan_gops(np.ascontiguousarray(worth + 9), 0, 30, LONGEST, 30)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    assert starts[-1] == 30
    reached = sum(n * worth[at, n - SHORTEST] for at, n in zip(starts, lengths, strict=False))
    assert reached == pytest.approx(best(0), rel=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "longest"), [(-1, 20, 16), (5, 4, 16), (0, 31, 16), (0, 20, 3), (0, 20, LONGEST + 1)]
)
def test_what_cannot_be_planned(start: int, end: int, longest: int) -> None:
    with pytest.raises(ValueError, match="do not go together"):
        _native.plan_gops(np.zeros((31, LENGTHS), np.float32), start, end, longest, 20)


def gops_of(lengths: list[int]) -> Any:
    ends = np.cumsum([length for length in lengths if length != OWN])
    return np.stack([ends - np.diff([0, *ends]), ends], 1).astype(np.float64)


def encode_of(truth: Any, lengths: list[int], rng: np.random.Generator) -> tuple[GopTrial, float]:
    """A made-up encode: what GOPs truly are worth, and noise; and the gain of the sequence."""
    gops = gops_of(lengths)
    cost, gain = np.zeros(FRAMES), 0.0
    for begin, end in gops.astype(int):
        value = truth[begin, end - begin - SHORTEST]
        cost[begin + 1 : end + 1] = -value + rng.normal(0, 1.0)
        gain += value * (end - begin) / FRAMES
    return GopTrial(gops, cost), gain


def true_worth(rng: np.random.Generator) -> Any:
    """Smooth over places and lengths: what is good somewhere is nearly as good near by."""
    coarse = rng.normal(0, 3, (FRAMES // 20 + 2, 4))
    places = np.arange(FRAMES) / 20
    octaves = np.linspace(0, 2.999, LENGTHS)
    i, j = places.astype(int)[:, None], octaves.astype(int)[None]
    a, b = places[:, None] - i, octaves[None] - j
    low = coarse[i, j] * (1 - b) + coarse[i, np.minimum(j + 1, 3)] * b
    high = coarse[i + 1, j] * (1 - b) + coarse[i + 1, np.minimum(j + 1, 3)] * b
    return (low * (1 - a) + high * a).astype(np.float32)


def test_encodes_make_the_next_sequences_better() -> None:
    blind, late = [], []
    for clip in range(6):
        rng = np.random.default_rng(clip)
        truth, found, gains, trials = true_worth(rng), outlook(), [], []
        for _ in range(10):
            lengths = planned(found, found.worth) if not trials else lengths_to_try(found, trials, rng)
            trial, gain = encode_of(truth, lengths, rng)
            trials.append(trial)
            gains.append(gain)
        first = [encode_of(truth, lengths_to_try(found, trials[:1], rng), rng)[1] for _ in range(5)]
        blind.append(np.mean(first) - gains[0])
        late.append(np.mean(gains[-3:]) - gains[0])
    assert np.mean(late) > np.mean(blind) + 0.5, "what was measured counts"


def test_foreseen_worth_is_followed_where_nothing_is_measured() -> None:
    worth = usual_worth(FRAMES)
    worth[:, 9 - SHORTEST] += 30.0
    trial, _ = encode_of(worth, planned(outlook(), usual_worth(FRAMES)), np.random.default_rng(0))
    lengths = lengths_to_try(outlook(worth), [trial], np.random.default_rng(1))
    assert lengths.count(9) > len(lengths) / 2


def test_the_same_draw_gives_the_same_sequence_and_another_another() -> None:
    trial, _ = encode_of(usual_worth(FRAMES), [16] * 7 + [7], np.random.default_rng(0))
    one, again, other = (lengths_to_try(outlook(), [trial], np.random.default_rng(n)) for n in (3, 3, 4))
    assert one == again != other


def test_long_clips_are_judged_stretch_by_stretch() -> None:
    frames = 1500
    lengths = [15] * 99 + [14]
    gops = gops_of(lengths)
    cost = np.random.default_rng(0).normal(0, 1, frames)
    found = GopOutlook(usual_worth(frames), (0,), LONGEST)
    worth = drawn_worth(found, [GopTrial(gops, cost), GopTrial(gops, -cost)], np.random.default_rng(0))
    assert worth.shape == (frames, LENGTHS) and np.isfinite(worth).all()
