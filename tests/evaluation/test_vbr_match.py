"""The bitrate to ask for, so that a VBR which misses gives what is wanted."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.evaluation.vbr_match import TOLERANCE, matching_bitrate


def counted(rate: Callable[[int], float]) -> tuple[Callable[[int], float], list[int]]:
    """`rate`, and the list of what it was asked."""
    asked: list[int] = []

    def kbps_at(kbps: int) -> float:
        asked.append(kbps)
        return rate(kbps)

    return kbps_at, asked


@given(
    scale=st.floats(0.7, 1.4),
    power=st.floats(0.7, 1.3),
    target=st.integers(200, 20_000),
)
def test_a_smooth_response_is_met(scale: float, power: float, target: int) -> None:
    def rate(kbps: int) -> float:
        return scale * target * (kbps / target) ** power

    kbps_at, asked = counted(rate)
    found = matching_bitrate(kbps_at, target, highest=10**6)
    assert 1 - 2 * TOLERANCE <= rate(found) / target <= 1
    assert found in asked and len(asked) == len(set(asked)) <= 8


@given(st.lists(st.floats(0.5, 1.6), min_size=8, max_size=8), st.integers(1, 5000))
def test_any_response_ends_with_the_closest_try_below_the_target(fills: list[float], target: int) -> None:
    answers = iter(fills)
    got: dict[int, float] = {}

    def kbps_at(kbps: int) -> float:
        got[kbps] = target * next(answers)
        return got[kbps]

    found = matching_bitrate(kbps_at, target, highest=4 * target)
    below = [kbps for kbps in got.values() if kbps <= target]
    assert got[found] == (max(below) if below else min(got.values()))


@pytest.mark.parametrize(("floor", "ceiling"), [(150.0, 1e9), (0.0, 60.0)])
def test_a_clip_that_cannot_be_smaller_or_larger_ends_the_search(floor: float, ceiling: float) -> None:
    kbps_at, asked = counted(lambda kbps: min(max(kbps, floor), ceiling))
    found = matching_bitrate(kbps_at, 100, highest=1000)
    assert min(max(found, floor), ceiling) == (150 if floor else 60)
    assert len(asked) <= 8 and max(asked) <= 400


def test_at_low_rates_the_search_goes_on_by_single_kbps() -> None:
    """22 gives 23.3, and so would be 20.7 asked for; 21 gives 22.3; 20 is below."""
    kbps_at, asked = counted(lambda kbps: 1.06 * kbps)
    assert matching_bitrate(kbps_at, 22, highest=1000) == 20
    assert asked == [22, 21, 20]
