"""Rate matching: the constant-quality levels whose rates come closest to given targets."""

import math
from collections.abc import Callable, Sequence

CQ_MIN, CQ_MAX = 0, 63


def matching_levels(kbps_at: Callable[[int], float], targets_kbps: Sequence[int]) -> list[int]:
    """The cq-level with the nearest rate for each target, by bisection.

    Nearest by ratio. Each level once, coarsest first.

    Args:
        kbps_at: encodes at a level and gives the rate; the rate falls as the level rises. Asked once a level.
        targets_kbps: in any order.
    """
    rates: dict[int, float] = {}

    def rate(level: int) -> float:
        if level not in rates:
            rates[level] = kbps_at(level)
        return rates[level]

    chosen = set()
    for target in targets_kbps:
        low, high = CQ_MIN, CQ_MAX  # the answer is one of these or lies between
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if rate(middle) > target else (low, middle)
        chosen.add(min((low, high), key=lambda level: abs(math.log(rate(level) / target))))
    return sorted(chosen, reverse=True)
