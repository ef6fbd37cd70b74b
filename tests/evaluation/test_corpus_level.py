"""A corpus as one clip: bits over seconds, and the mean quality."""

from dataclasses import replace

import pytest
from support.report_samples import AWKWARD_CLIP, AWKWARD_POLICY, TARGETS, measured_encode, report_data

from muzero_rc.evaluation.corpus_level import compare_corpora, corpus_curve
from muzero_rc.evaluation.metrics import PSNR_Y


def test_every_second_counts_once_and_every_clip_equally() -> None:
    groups = {
        ("short", "vbr"): [measured_encode("short", "vbr", 0, kbps=100, frames=25, fps=25.0)],
        ("long", "vbr"): [measured_encode("long", "vbr", 2, kbps=400, frames=75, fps=25.0)],
    }
    (point,) = corpus_curve(groups, ["short", "long"], "vbr", PSNR_Y)
    assert point.rate_kbps == pytest.approx((100 * 1 + 400 * 3) / 4)
    assert point.quality == pytest.approx((30 + 34) / 2)


def test_rate_controls_are_compared_over_all_clips() -> None:
    found = {one.rate_control: one for one in compare_corpora(report_data(), PSNR_Y)}
    assert set(found) == {"libvpx-vbr-arf1", "libvpx-q", AWKWARD_POLICY}
    assert found[AWKWARD_POLICY].result.percent == pytest.approx(-10)
    assert (found[AWKWARD_POLICY].clips, found["libvpx-vbr-arf1"].clips) == (2, 1)


def test_clips_with_fewer_encodes_are_left_out() -> None:
    data = report_data()
    first = next(e for e in data.encodes if (e.clip, e.rate_control) == (AWKWARD_CLIP, AWKWARD_POLICY))
    fewer = replace(data, encodes=[encode for encode in data.encodes if encode is not first])
    found = {one.rate_control: one for one in compare_corpora(fewer, PSNR_Y)}
    assert found[AWKWARD_POLICY].clips == 1 and found["libvpx-q"].clips == 2
    none = compare_corpora(replace(data, encodes=[]), PSNR_Y)
    assert [one.clips for one in none] == [0, 0, 0]
    assert all(one.result.percent is None for one in none) and len(TARGETS) == 5
