"""Designs: random moves of the controller's constants, whose encodes tell what each constant is worth."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPREAD: Mapping[str, float] = {
    "key": 0.35,
    "key_importance": 0.15,
    "key_coarse": 0.15,
    "key_still": 0.5,
    "key_steep": 0.2,
    "key_short": 0.12,
    "key_response": 3.0,
    "key_noise": 0.08,
    "key_dear": 0.08,
    "key_vectors": 0.04,
    "top": 0.25,
    "top_importance": 0.1,
    "top_coarse": 0.1,
    "top_still": 0.4,
    "top_last": 0.2,
    "second": 0.1,
    "deeper": 0.12,
    "gop_hardness": 0.15,
    "gop_probe": 0.15,
    "gop_still": 0.4,
    "gop_last": 0.25,
    "frame_hardness": 0.12,
    "overlay": 0.4,
}
"""Standard deviations of the moves, by constant (native/rate_control/controller_params.h says what each
one is): so large that an encode shows them, and so small that gains are still nearly quadratic in them."""


@dataclass(frozen=True)
class Design:
    """One encode that tells.

    Attributes:
      number: in the round.
      clip: its instance's name.
      place: of the target, between the lowest (0) and the highest rate (1) of the clip's anchor curve, on a
        log scale.
      moves: added to the constants, by name.
    """

    number: int
    clip: str
    place: float
    moves: Mapping[str, float]


def draw_designs(
    clips: Sequence[str], count: int, rng: random.Random, around: Mapping[str, float]
) -> list[Design]:
    """Pairs of designs, of the same clip and target, whose moves lie opposite each other.

    What a clip or a rate is worth cancels in a pair, so that slopes are told without it.

    Args:
      clips: all are drawn before one is drawn again.
      count: an even number.
      rng: draws.
      around: the middle of the moves, 0 where it has no entry.
    """
    drawn: list[Design] = []
    order: list[str] = []
    while len(drawn) < count:
        order = order or rng.sample(list(clips), len(clips))
        clip, place = order.pop(), rng.random()
        steps = {name: rng.gauss(0.0, spread) for name, spread in SPREAD.items()}
        for sign in (1.0, -1.0):
            moves = {name: round(around.get(name, 0.0) + sign * step, 4) for name, step in steps.items()}
            drawn.append(Design(len(drawn), clip, place, moves))
    return drawn[:count]
