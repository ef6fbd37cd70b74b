"""Which metrics a report has, and what it says of those that nothing here measures."""

import pytest

from encoder_bridge.media import quality_filters
from encoder_bridge.media.quality_filters import OPTIONAL
from muzero_rc.evaluation.metrics import (
    ALL,
    METRICS,
    MS_SSIM,
    VMAF,
    VMAF_NEG,
    measurable_here,
    optional_of,
    wanted,
)


def test_optional_metrics_are_those_that_filters_measure() -> None:
    assert set(optional_of(METRICS)) == set(OPTIONAL)
    assert wanted([ALL]) == list(METRICS) and optional_of(wanted(["psnr"])) == []
    assert set(wanted(["ms-ssim"])) - set(wanted(())) == {MS_SSIM}
    assert set(wanted(["vmaf"])) - set(wanted(())) == {VMAF, VMAF_NEG}


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (frozenset(OPTIONAL), []),
        (
            frozenset({"vmaf"}),
            ["Not measured: VMAF NEG, MS-SSIM, XPSNR-Y. No ffmpeg here has libvmaf, xpsnr; "],
        ),
        (
            frozenset(),
            ["Not measured: VMAF, VMAF NEG, MS-SSIM, XPSNR-Y. No ffmpeg here has libvmaf, xpsnr; "],
        ),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, there: frozenset[str], said: list[str]
) -> None:
    monkeypatch.setattr(quality_filters, "filter_ffmpeg", lambda: ("ffmpeg", there))
    kept, lines = measurable_here(METRICS)
    assert set(optional_of(kept)) == there and (VMAF in kept) == ("vmaf" in there)
    assert [line.partition("pip")[0] for line in lines] == said
