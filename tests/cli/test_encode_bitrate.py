"""Bitrates as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.utils.bitrate import MAX_KBPS, BadBitrate, is_whole_kbps, parse_kbps


@pytest.mark.parametrize(
    ("text", "kbps"),
    [
        ("300k", 300),
        ("300K", 300),
        ("1.5M", 1500),
        ("300000", 300),
        ("1499.5k", 1500),
        (" 5k ", 5),
        (".5M", 500),
    ],
)
def test_known_answers(text: str, kbps: int) -> None:
    assert parse_kbps(text) == kbps


@given(st.integers(1, MAX_KBPS))
def test_three_ways_to_write_the_same(kbps: int) -> None:
    assert parse_kbps(f"{kbps}k") == parse_kbps(str(1000 * kbps)) == parse_kbps(f"{kbps / 1000!r}M") == kbps
    assert is_whole_kbps(f"{kbps}k")


@given(st.text(max_size=12))
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    try:
        kbps = parse_kbps(text)
    except BadBitrate as error:
        assert "\n" not in str(error)
    else:
        assert 1 <= kbps <= MAX_KBPS


def test_halves_are_not_whole() -> None:
    assert not is_whole_kbps("80.5k")
    assert is_whole_kbps("80.0k")
