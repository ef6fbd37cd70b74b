"""Ranges declared on fields: every number has one, and what is outside is refused by key, value and rule."""

import dataclasses
import math
import typing

import pytest

from muzero_rc.config.ranges import ConfigError, Range, Section, at_least, one_of, ranged
from muzero_rc.config.schema import Config

ANY_NUMBER: set[str] = set()
SECTIONS = {
    one.name: typing.get_type_hints(Config)[one.name]
    for one in dataclasses.fields(Config)
    if dataclasses.is_dataclass(typing.get_type_hints(Config)[one.name])
}
NUMBERS = [
    (section, one)
    for section, kind in SECTIONS.items()
    for one in dataclasses.fields(kind)
    if typing.get_type_hints(kind)[one.name] in (int, float)
]


@dataclasses.dataclass(frozen=True)
class Example(Section, key="example"):
    """A section."""

    count: int = ranged(3, at_least(1))
    colour: str = ranged("red", one_of(("red", "blue")))
    free: float = 0.0


@pytest.mark.parametrize(("section", "field"), NUMBERS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_every_number_has_a_range(section, field):
    allowed = field.metadata.get("range")
    assert isinstance(allowed, Range) or f"{section}.{field.name}" in ANY_NUMBER
    if allowed is not None:
        assert not allowed.holds(math.nan)


def test_sections_are_called_what_their_keys_are():
    assert {name: kind.key for name, kind in SECTIONS.items()} == {name: name for name in SECTIONS}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "example.count = 0: must be 1 or more"),
        ({"colour": "green"}, "example.colour = 'green': must be one of 'red', 'blue'"),
    ],
)
def test_a_value_outside_is_refused_with_key_value_and_rule(changes, message):
    with pytest.raises(ConfigError) as caught:
        Example(**changes)
    assert str(caught.value) == message


def test_values_inside_and_fields_without_a_range_pass():
    assert Example(count=1, colour="blue", free=math.nan).count == 1
