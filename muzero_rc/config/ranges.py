"""Ranges of settings, declared on the dataclass field, and the one validator that walks them.

@dataclass(frozen=True)
class SearchConfig(Section, key="search"):
simulations: int = ranged(16, at_least(1))
"""

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

from encoder_bridge.errors import UserError


class ConfigError(UserError):
    """A configuration that makes no sense; the message names the key and the value."""


def require(holds: bool, key: str, value: object, rule: str) -> None:
    """Raises ConfigError "key = value: must be rule" unless it holds."""
    if not holds:
        raise ConfigError(f"{key} = {value!r}: must be {rule}")


@dataclass(frozen=True)
class Range:
    """The values that a setting may have.

    Attributes:
      holds: whether a value is one of them; false for NaN.
      words: what it must be, for the error message.
    """

    holds: Callable[[Any], bool]
    words: str


def ranged(default: Any, allowed: Range) -> Any:
    """A dataclass field with a default and the range of its values."""
    return field(default=default, metadata={"range": allowed})


class Section:
    """The base of a configuration's sections: checks the fields' ranges when one is made."""

    key: ClassVar[str]
    """The section's name in TOML; empty for the top level."""

    def __init_subclass__(cls, *, key: str | None = None) -> None:
        """Names the section in error messages; without `key` it has its base's name."""
        if key is not None:
            cls.key = key

    def __post_init__(self) -> None:
        """Checks every field; rules between fields are for the section to add.

        Raises:
          ConfigError: a value outside its range.
        """
        for one in dataclasses.fields(self):  # type: ignore[arg-type]
            allowed = one.metadata.get("range")
            if allowed is not None:
                value = getattr(self, one.name)
                name = f"{self.key}.{one.name}" if self.key else one.name
                require(allowed.holds(value), name, value, allowed.words)


def between(low: float, high: float) -> Range:
    """From `low` to `high`, both included."""
    return Range(lambda value: low <= value <= high, f"{low} to {high}")


def odd_between(low: int, high: int) -> Range:
    """Odd numbers from `low` to `high`."""
    return Range(lambda value: low <= value <= high and value % 2 == 1, f"odd, {low} to {high}")


def at_least(low: float) -> Range:
    """`low` or more."""
    return Range(lambda value: value >= low, f"{low} or more")


def one_of(names: Collection[str]) -> Range:
    """One of some names."""
    return Range(lambda value: value in names, "one of " + ", ".join(map(repr, names)))


def list_of(low: int, high: int, *, least: int = 0, most: int | None = None, words: str) -> Range:
    """Lists of `least` to `most` numbers from `low` to `high`."""

    def holds(values: tuple[int, ...]) -> bool:
        long_enough = least <= len(values) and (most is None or len(values) <= most)
        return long_enough and all(low <= value <= high for value in values)

    return Range(holds, words)


POSITIVE = Range(lambda value: value > 0, "positive")
SHARE = Range(lambda value: 0 <= value <= 1, "within [0, 1]")
SHARE_BELOW_1 = Range(lambda value: 0 <= value < 1, "within [0, 1)")
