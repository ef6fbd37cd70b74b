"""Actions: what an environment takes, and the qindex that it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput

QINDEXES = 256
"""C clamps them to [1, 255]: 0 would switch to lossless coding."""
OFFSETS = (-48, -32, -21, -14, -9, -5, -2, 0, 2, 5, 9, 14, 21, 32, 48)
"""Offsets to the controller's q_ref: fine near it, coarse far from it."""


class Actions(Protocol):
    """How an action names a qindex."""

    @property
    def space(self) -> gymnasium.spaces.Discrete:
        """Of the actions."""

    def qindex(self, action: int, q_ref: int) -> int:
        """What an action in `space` asks for where the controller would take `q_ref`."""


@dataclass(frozen=True)
class Absolute:
    """The action is the qindex itself."""

    @property
    def space(self) -> gymnasium.spaces.Discrete:
        """See `Actions.space`."""
        return gymnasium.spaces.Discrete(QINDEXES)

    def qindex(self, action: int, q_ref: int) -> int:
        """See `Actions.qindex`."""
        return action


@dataclass(frozen=True)
class Relative:
    """The action chooses an offset to q_ref."""

    offsets: tuple[int, ...]

    @property
    def space(self) -> gymnasium.spaces.Discrete:
        """See `Actions.space`."""
        return gymnasium.spaces.Discrete(len(self.offsets))

    def qindex(self, action: int, q_ref: int) -> int:
        """See `Actions.qindex`."""
        return min(max(q_ref + self.offsets[action], 1), QINDEXES - 1)


def relative(offsets: Sequence[int]) -> Relative:
    """Actions that are offsets.

    Raises:
        BadInput: none at all, or one that is no whole number between -254 and 254.
    """
    if not offsets or any(int(offset) != offset or abs(offset) > QINDEXES - 2 for offset in offsets):
        raise BadInput(f"offsets {tuple(offsets)} are no choice: use one or more numbers from -254 to 254")
    return Relative(tuple(int(offset) for offset in offsets))


def check_action(action: Any, space: gymnasium.spaces.Discrete) -> int:
    """An action as a number.

    Raises:
        BadInput: it is none of `space`.
    """
    number = np.asarray(action)
    last = int(space.n) - 1
    if number.size != 1 or number.dtype.kind not in "iu" or not 0 <= int(number.item()) <= last:
        raise BadInput(f"action {action} is out of range: use a whole number from 0 to {last}")
    return int(number.item())


def check_actions(actions: Any, count: int) -> npt.NDArray[Any]:
    """As many actions as there are environments.

    Raises:
        BadInput: another number of them.
    """
    array = np.asarray(actions)
    if array.shape[:1] != (count,):
        raise BadInput(f"actions of shape {array.shape} do not fit {count} environments: give one for each")
    return array
