"""Sizes, times and frame rates as people write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.utils.quantities import BadQuantity, parse_bytes, parse_fps, parse_seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10M", 10_000_000),
        ("10MB", 10_000_000),
        ("8MiB", 8 << 20),
        ("700k", 700_000),
        ("1.5 GiB", 3 << 29),
        ("2g", 2_000_000_000),
        ("123456", 123_456),
        ("0.1k", 100),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "M", "0", "-3M", "10 Mbit", "1e6", "10MM", "0.0001", "١M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadQuantity, match="10M"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("12.5", 12.5), (".5", 0.5), ("1:30", 90), ("1:02:03.25", 3723.25)]
)
def test_times(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:", "1:2:3:4", "ten", "1:75:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadQuantity):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("25", 25),
        ("12.5", Fraction(25, 2)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
    ],
)
def test_frame_rates(text: str, fps: Fraction) -> None:
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["", "0", "-25", "1/0", "fast", "nan"])
def test_what_is_no_frame_rate(text: str) -> None:
    with pytest.raises(BadQuantity):
        parse_fps(text)


@given(text=st.text(max_size=12))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    for parse in (parse_bytes, parse_seconds, parse_fps):
        try:
            assert parse(text) >= 0
        except BadQuantity as error:
            assert "write it like" in str(error)
