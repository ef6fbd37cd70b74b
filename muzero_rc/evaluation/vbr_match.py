"""Rate matching: the bitrate to ask libvpx's VBR for, which misses by up to a quarter, to get another."""

from collections.abc import Callable

TOLERANCE = 0.01
"""An encode that leaves no larger share of its target unused is close enough."""
_MOST_TRIES = 8
_MOST_OVER = 4


def matching_bitrate(kbps_at: Callable[[int], float], target_kbps: int, *, highest: int) -> int:
    """The bitrate to ask for so that the encode ends below `target_kbps`, and close to it.

    By bisection. Where no try ends below the target, the one that gave least.

    Args:
        kbps_at: encodes at a bitrate, in kbps, and gives the rate that came out. Asked once each.
        target_kbps: never exceeded if that is possible.
        highest: the most that may be asked for.
    """
    highest = min(highest, _MOST_OVER * target_kbps)
    aim = target_kbps * (1 - TOLERANCE / 2)
    got: dict[int, float] = {}
    asked = min(target_kbps, highest)
    while asked not in got and len(got) < _MOST_TRIES:
        got[asked] = kbps_at(asked)
        if 1 - TOLERANCE <= got[asked] / target_kbps <= 1:
            return asked
        asked = min(max(1, _next(got, aim, target_kbps)), highest)
    below = [one for one, kbps in got.items() if kbps <= target_kbps]
    return max(below, key=got.__getitem__) if below else min(got, key=got.__getitem__)


def _next(got: dict[int, float], aim: float, target_kbps: int) -> int:
    """Between the closest tries on both sides of the target; in proportion where there is one side only."""
    low = max((one for one, kbps in got.items() if kbps <= target_kbps), default=None)
    high = min((one for one, kbps in got.items() if kbps > target_kbps), default=None)
    if low is None or high is None or low >= high:  # the last: a rate that falls as more is asked for
        nearest = min(got, key=lambda one: abs(got[one] - aim))
        in_proportion = round(nearest * aim / got[nearest])
        if low is None:
            return min(in_proportion, min(got) - 1)  # at low rates one kbps is more than a miss
        return max(in_proportion, max(got) + 1) if high is None else in_proportion
    share = (aim - got[low]) / (got[high] - got[low])
    return round(low + min(max(share, 0.1), 0.9) * (high - low))
