"""The cache of measured encodes: what was written comes back, or nothing does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.evaluation.result_cache import ResultCache, cache_key
from muzero_rc.evaluation.results import CodedFrames, MeasuredEncode
from muzero_rc.utils.checked_json import write_checked

CODED = CodedFrames([0, 2, 1], [0, 8, 1], [0, 1, 3], [0, 1, 1], [50, 60, 90], [800, 500, 100])
METRICS = {"psnr_y_db": 35.5, "psnr_y_sum_db": 35.25, "ssim": 0.9}
ENCODE = MeasuredEncode("clip", "controller", 120, None, 123.4, METRICS, 2, 25.0, 0.1, 0, CODED)
MADE_FROM = {"clip": "c0ffee", "mode": "policy", "metrics": "psnr_y_db,psnr_y_sum_db,ssim"}
KEY = cache_key(MADE_FROM)
WRONG: list[Any] = [float("nan"), float("inf"), -1.5, 0, "12", None, True, [], {}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def entry(folder: Path) -> bytes:
    """The bytes of one entry, in `folder`."""
    ResultCache(folder).save(KEY, ENCODE, MADE_FROM)
    return file_of(folder).read_bytes()


def file_of(folder: Path) -> Path:
    return folder / f"{KEY}.json"


def places(value: Any, trail: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every value in nested data, by the keys that lead to it."""
    if trail:
        yield trail
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*trail, key))


def test_round_trip(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    assert cache.load(KEY) is None
    cache.save(KEY, ENCODE, MADE_FROM)
    assert cache.load(KEY) == ENCODE
    assert [path.name for path in tmp_path.iterdir()] == [file_of(tmp_path).name]
    assert json.loads(file_of(tmp_path).read_text())["made_from"] == MADE_FROM


def test_what_an_encode_was_made_from_names_it() -> None:
    assert cache_key({**MADE_FROM, "clip": "other"}) != KEY
    assert cache_key(dict(reversed(MADE_FROM.items()))) == KEY


@given(st.data())
def test_a_changed_byte_gives_the_same_encode_or_none(
    folder: Path, entry: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entry) - 1))
    byte = data.draw(st.integers(0, 255))
    file_of(folder).write_bytes(entry[:at] + bytes([byte]) + entry[at + 1 :])
    assert ResultCache(folder).load(KEY) in (None, ENCODE)


@given(st.data())
def test_a_changed_value_gives_none(folder: Path, entry: bytes, data: st.DataObject) -> None:
    content = json.loads(entry)
    *trail, last = data.draw(st.sampled_from(list(places(content))))
    inside = content
    for key in trail:
        inside = inside[key]
    before, after = inside[last], data.draw(st.sampled_from(WRONG))
    inside[last] = after
    file_of(folder).write_text(json.dumps(content))
    same = before == after and type(before) is type(after)
    assert ResultCache(folder).load(KEY) == (ENCODE if same else None)


@given(st.data())
def test_a_file_cut_short_gives_none(folder: Path, entry: bytes, data: st.DataObject) -> None:
    file_of(folder).write_bytes(entry[: data.draw(st.integers(0, len(entry) - 2))])
    assert ResultCache(folder).load(KEY) is None


def test_another_entry_under_this_name_gives_none(folder: Path, entry: bytes) -> None:
    other = {**MADE_FROM, "clip": "other"}
    ResultCache(folder).save(KEY, ENCODE, other)
    assert ResultCache(folder).load(KEY) is None


def test_no_figure_that_is_not_finite_is_kept(tmp_path: Path) -> None:
    bad = MeasuredEncode(
        "clip", "controller", 120, None, 123.4, {"ssim": float("nan")}, 2, 25.0, 0.1, 0, CODED
    )
    with pytest.raises(ValueError):
        ResultCache(tmp_path).save(KEY, bad, MADE_FROM)
    assert list(tmp_path.iterdir()) == []


def test_an_entry_of_another_version_of_ours_gives_none(tmp_path: Path) -> None:
    for content in ({"made_from": MADE_FROM, "encode": {"clip": "x"}}, {"made_from": MADE_FROM}, {"a": 1}):
        write_checked(file_of(tmp_path), content)
        assert ResultCache(tmp_path).load(KEY) is None
