"""Instances, what is done to clips, and anchor curves."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.config.schema import DataConfig
from muzero_rc.corpus.instances import CorpusError, anchor_of, apply_changes, catalogue_of, find_clips, join

CLIPS = [Path(f"{name}.mkv") for name in ("a", "b", "c", "d")]


def planes(frames=4, height=48, width=64):
    rng = np.random.default_rng(0)
    sizes = [(frames, height, width)] + [(frames, (height + 1) // 2, (width + 1) // 2)] * 2
    return [rng.integers(0, 256, size).astype(np.uint8) for size in sizes]


def test_clips_come_first_and_names_are_unique():
    instances = catalogue_of(CLIPS, DataConfig(max_instances=20), seed=1)
    assert [one.name for one in instances[:4]] == ["a", "b", "c", "d"]
    assert len({one.name for one in instances}) == len(instances) == 20
    assert not any(one.augmented for one in instances[:4]) and all(one.augmented for one in instances[4:])
    assert instances == catalogue_of(CLIPS, DataConfig(max_instances=20), seed=1)


def test_an_augmented_clip_shares_its_clips_opponent():
    by_name = {one.name: one for one in catalogue_of(CLIPS, DataConfig(), seed=1)}
    assert by_name["a+mirror"].clip == "a"


@pytest.mark.parametrize(("augment", "limit", "expected"), [(False, 300, 4), (True, 2, 2), (True, 6, 6)])
def test_limits(augment, limit, expected):
    assert len(catalogue_of(CLIPS, DataConfig(augment=augment, max_instances=limit), seed=1)) == expected


@pytest.mark.parametrize("change", ["mirror", "reverse"])
def test_done_twice_is_undone(change):
    once = apply_changes(planes(), change)
    for before, after in zip(planes(), apply_changes(once, change), strict=True):
        np.testing.assert_array_equal(before, after)
    assert any((x != y).any() for x, y in zip(planes(), once, strict=True))


def test_changes_by_hand():
    luma = apply_changes(planes(frames=5), "speed2+mirror")[0]
    np.testing.assert_array_equal(luma, planes(frames=5)[0][::2, :, ::-1])
    cropped = apply_changes(planes(), "crop")
    assert [plane.shape[1:] for plane in cropped] == [(32, 48), (16, 24), (16, 24)]
    np.testing.assert_array_equal(cropped[0], planes()[0][:, 8:40, 8:56])
    assert apply_changes(planes(height=10, width=12), "crop")[0].shape == (4, 10, 12)  # too small to crop
    with pytest.raises(ValueError, match="unknown change 'paint'"):
        apply_changes(planes(), "paint")


def test_clips_of_different_sizes_are_joined():
    joined = join([planes(3, 48, 64), planes(2, 33, 80)])
    assert [plane.shape for plane in joined] == [(5, 32, 64), (5, 16, 32), (5, 16, 32)]


def test_an_anchor_by_hand():
    anchor = anchor_of([(400.0, 42.0), (100.0, 36.0), (200.0, 40.0)])
    assert anchor.rates_kbps == (100.0, 200.0, 400.0)
    for rate, expected in ((100, 36), (200, 40), (np.sqrt(100 * 200), 38), (800, 44), (50, 32)):
        assert anchor.psnr_at(rate) == pytest.approx(expected)


def test_points_that_cost_more_for_nothing_are_left_out():
    assert anchor_of([(100.0, 36.0), (110.0, 35.0), (200.0, 40.0)]).rates_kbps == (100.0, 200.0)
    with pytest.raises(ValueError, match="no curve"):
        anchor_of([(100.0, 36.0), (100.0, 36.0)])
    with pytest.raises(ValueError, match="no curve"):
        anchor_of([(1.0, 20.0), (3.0, 20.000000000000004)])


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(20, 60)), min_size=2, max_size=9), st.floats(0.1, 1e6))
def test_an_anchor_rises(points, rate):
    try:
        anchor = anchor_of(points)
    except ValueError:
        return
    assert anchor.psnr_at(rate * 1.5) > anchor.psnr_at(rate)


def test_a_corpus_that_is_none(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        find_clips(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(CorpusError, match="no videos in it"):
        find_clips(tmp_path)
