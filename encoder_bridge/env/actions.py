"""Actions: what an environment takes, and the answer to libvpx that it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import gymnasium
import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import OWN, GopShape, as_shapes
from encoder_bridge.encode.pool import EncoderPool
from encoder_bridge.errors import BadInput

QINDEXES = 256
"""C clamps them to [1, 255]: 0 would switch to lossless coding."""
OFFSETS = (-48, -32, -21, -14, -9, -5, -2, 0, 2, 5, 9, 14, 21, 32, 48)
"""Offsets to the controller's q_ref: fine near it, coarse far from it."""
LENGTHS = (OWN, *range(4, 24))
"""Of a GOP, in frames; the first leaves it to libvpx, as the first of the next two does."""
LAYERS = (-1, 1, 2, 3, 4, 5, 6)
STRENGTHS = (-1, 0, 1, 2, 3, 4, 5, 6)

Mask = npt.NDArray[np.int8]
"""1 for each choice that may be made, those of a MultiDiscrete's parts one after the other."""

Answer: TypeAlias = int | GopShape
"""A frame's qindex, or a GOP's shape."""


class Question(NamedTuple):
    """What libvpx waits for."""

    asks_shape: bool
    """A GOP's shape; otherwise a frame's qindex."""
    q_ref: int
    """The controller's qindex for that frame."""
    config: EncoderConfig


class Actions(Protocol):
    """How an action names an answer."""

    @property
    def space(self) -> gymnasium.Space[Any]:
        """Of the actions."""

    @property
    def asks_shapes(self) -> bool:
        """Whether the shapes of GOPs are asked for beside qindexes."""

    def answer(self, action: Any, question: Question) -> Answer:
        """What an action answers.

        Raises:
            BadInput: it is out of range.
        """

    def mask(self, question: Question) -> Mask | None:
        """Which choices a question leaves; None for all."""


@dataclass(frozen=True)
class Absolute:
    """The action is the qindex itself."""

    asks_shapes = False

    @property
    def space(self) -> gymnasium.spaces.Discrete:
        """See `Actions.space`."""
        return gymnasium.spaces.Discrete(QINDEXES)

    def answer(self, action: Any, question: Question) -> Answer:
        """See `Actions.answer`."""
        return check_choice(action, QINDEXES)

    def mask(self, question: Question) -> Mask | None:
        """See `Actions.mask`."""
        return None


@dataclass(frozen=True)
class Relative:
    """The action chooses an offset to q_ref."""

    offsets: tuple[int, ...]
    asks_shapes = False

    @property
    def space(self) -> gymnasium.spaces.Discrete:
        """See `Actions.space`."""
        return gymnasium.spaces.Discrete(len(self.offsets))

    def answer(self, action: Any, question: Question) -> Answer:
        """See `Actions.answer`."""
        return _near(question.q_ref, self.offsets[check_choice(action, len(self.offsets))])

    def mask(self, question: Question) -> Mask | None:
        """See `Actions.mask`."""
        return None


@dataclass(frozen=True)
class ShapesAndOffsets:
    """The action is [length, layers, strength, offset], a choice of each; what is not asked is ignored.

    Without `offsets` the last one is the qindex itself.
    """

    offsets: tuple[int, ...] | None
    asks_shapes = True

    @property
    def space(self) -> "gymnasium.spaces.MultiDiscrete[np.int64]":
        """See `Actions.space`."""
        return gymnasium.spaces.MultiDiscrete(list(self._counts), np.int64)

    def answer(self, action: Any, question: Question) -> Answer:
        """See `Actions.answer`."""
        choices = check_actions(action, len(self._counts))
        numbers = [check_choice(choice, count) for choice, count in zip(choices, self._counts, strict=True)]
        length, layers, strength, last = numbers
        if question.asks_shape:
            longest = question.config.lag_in_frames - 2
            if LENGTHS[length] > max(longest, OWN):
                raise BadInput(
                    f"a GOP of {LENGTHS[length]} frames is too long for lag_in_frames "
                    f"{question.config.lag_in_frames}: use up to {longest}"
                )
            return GopShape(LENGTHS[length], LAYERS[layers], STRENGTHS[strength])
        return last if self.offsets is None else _near(question.q_ref, self.offsets[last])

    def mask(self, question: Question) -> Mask | None:
        """See `Actions.mask`; of what is not asked one choice is left: libvpx's own, or offset 0."""
        neutral = 0 if self.offsets is None or 0 not in self.offsets else self.offsets.index(0)
        masks = [np.zeros(count, np.int8) for count in self._counts]
        for mask, own in zip(masks, (0, 0, 0, neutral), strict=True):
            mask[own] = 1
        if question.asks_shape:
            masks[0][:] = np.array(LENGTHS) <= max(question.config.lag_in_frames - 2, OWN)
            masks[1][:] = masks[2][:] = 1
        else:
            masks[3][:] = 1
        return np.concatenate(masks)

    @property
    def _counts(self) -> tuple[int, int, int, int]:
        last = QINDEXES if self.offsets is None else len(self.offsets)
        return len(LENGTHS), len(LAYERS), len(STRENGTHS), last


def send_answers(pool: EncoderPool, answers: Mapping[int, Answer]) -> None:
    """Answers the questions of some slots."""
    shapes = {slot: answer for slot, answer in answers.items() if isinstance(answer, GopShape)}
    qindexes = {slot: answer for slot, answer in answers.items() if not isinstance(answer, GopShape)}
    if qindexes:
        pool.send(np.array(list(qindexes), np.int32), np.array(list(qindexes.values()), np.int32))
    if shapes:
        pool.send_shapes(np.array(list(shapes), np.int32), as_shapes(list(shapes.values())))


def check_offsets(offsets: Sequence[int]) -> tuple[int, ...]:
    """Offsets to choose from.

    Raises:
        BadInput: none at all, or one that is no whole number between -254 and 254.
    """
    if not offsets or any(int(offset) != offset or abs(offset) > QINDEXES - 2 for offset in offsets):
        raise BadInput(f"offsets {tuple(offsets)} are no choice: use one or more numbers from -254 to 254")
    return tuple(int(offset) for offset in offsets)


def check_choice(action: Any, count: int) -> int:
    """An action as a number from 0 to `count` - 1.

    Raises:
        BadInput: it is something else.
    """
    number = np.asarray(action)
    if number.size != 1 or number.dtype.kind not in "iu" or not 0 <= int(number.item()) < count:
        raise BadInput(f"action {action} is out of range: use a whole number from 0 to {count - 1}")
    return int(number.item())


def check_actions(actions: Any, count: int) -> npt.NDArray[Any]:
    """`[count, ...]` actions, or parts of one.

    Raises:
        BadInput: another number of them.
    """
    array = np.asarray(actions)
    if array.shape[:1] != (count,):
        raise BadInput(f"actions of shape {array.shape} do not fit: {count} are needed")
    return array


def _near(q_ref: int, offset: int) -> int:
    return min(max(q_ref + offset, 1), QINDEXES - 1)
