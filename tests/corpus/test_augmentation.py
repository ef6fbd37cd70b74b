"""What is done to clips."""

import numpy as np
import pytest

from muzero_rc.corpus.augmentation import apply_changes, join


def planes(frames=4, height=48, width=64):
    rng = np.random.default_rng(0)
    sizes = [(frames, height, width)] + [(frames, (height + 1) // 2, (width + 1) // 2)] * 2
    return [rng.integers(0, 256, size).astype(np.uint8) for size in sizes]


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
    halved = apply_changes(planes(height=50, width=64), "half")
    assert [plane.shape[1:] for plane in halved] == [(24, 32), (12, 16), (12, 16)]
    four = planes(height=50, width=64)[0][0, :2, :2].astype(int).sum()
    assert halved[0][0, 0, 0] == (four + 2) // 4
    assert apply_changes(planes(height=3, width=12), "half")[0].shape == (4, 3, 12)  # too small to halve
    thirds = apply_changes(planes(height=50, width=64), "third")
    assert [plane.shape[1:] for plane in thirds] == [(16, 20), (8, 10), (8, 10)]
    nine = planes(height=50, width=64)[0][3, 45:48, 57:60].astype(int).sum()
    assert thirds[0][3, 15, 19] == (nine + 4) // 9
    with pytest.raises(ValueError, match="unknown change 'paint'"):
        apply_changes(planes(), "paint")


def test_clips_of_different_sizes_are_joined():
    joined = join([planes(3, 48, 64), planes(2, 33, 80)])
    assert [plane.shape for plane in joined] == [(5, 32, 64), (5, 16, 32), (5, 16, 32)]
