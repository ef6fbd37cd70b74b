"""The page of a made-up report: what it says, that it is sound HTML, and that no name breaks it."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from support.html_page import Page
from support.report_samples import AWKWARD_CLIP, AWKWARD_POLICY, report_data

from muzero_rc.report.page import render, signed
from muzero_rc.report.results_json import results_json, results_text


@pytest.fixture(scope="module")
def html() -> str:
    return render(report_data())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_sound_and_loads_nothing(page: Page, html: str) -> None:
    assert page.open == []
    assert page.loads == []
    assert "{{" not in html and "{%" not in html and "Undefined" not in html


def test_every_name_is_shown_as_it_is(page: Page) -> None:
    assert page.text.count(AWKWARD_CLIP) >= 4
    assert page.text.count(AWKWARD_POLICY) >= 8
    assert "no <luck> & none" in page.text and "a <note> & more" in page.text
    assert "Targets from <a> & b" in page.text and f"rc-report '{AWKWARD_CLIP}'" in page.text
    assert AWKWARD_POLICY in page.values("input", "value")
    assert any(AWKWARD_POLICY in text for text in page.texts)


def test_no_name_becomes_markup(page: Page, html: str) -> None:
    assert not {"luck", "note", "a"} & page.tags
    assert AWKWARD_CLIP not in html and AWKWARD_POLICY not in html and AWKWARD_POLICY[-7:] not in html
    assert html.count("</script>") == 2


def test_the_frames_survive_the_script_element(html: str) -> None:
    found = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert list(data["clips"][0]["encodes"]) == ["libvpx-vbr", "libvpx-vbr-arf1", "libvpx-q", AWKWARD_POLICY]
    encode = data["clips"][0]["encodes"][AWKWARD_POLICY][0]
    assert (encode["q"], encode["bits"]) == ([50, 60, 90], [800, 500, 100])
    assert set(data["colours"]) == set(report_data().rate_controls)


def test_the_headline(page: Page) -> None:
    lead = f"{AWKWARD_POLICY} needs 10.00\xa0% fewer bits than libvpx-vbr at equal PSNR-Y"
    assert lead.replace("\xa0", " ") in page.text.replace("\xa0", " ")
    assert "at equal PSNR-Y on 2 of 2 clips (95 %" in page.text
    assert "95 % interval −10.00 to −10.00" in page.text
    assert "0.0 % of its encodes end more than 1 % over target, mean fill 0.900." in page.text
    assert "too few points: test curve: 0 different points, 4 are needed" in page.text


def test_a_report_of_one_clip_and_no_policy() -> None:
    whole = report_data()
    (_, clip), encodes = whole.clips, [e for e in whole.encodes if e.clip == "plain"]
    alone = replace(whole, clips=[clip], encodes=encodes, policies=[], failures=[], notes=[])
    page = Page(render(alone))
    assert page.open == []
    assert "1 clip, 15 encodes." in page.text and "muzero-rc: baselines against libvpx-vbr" in page.text
    assert ("details", "open", "") in page.attributes
    assert page.values("input", "value") >= {"libvpx-vbr", "libvpx-q"}


def test_a_report_in_which_everything_failed() -> None:
    whole = report_data()
    page = Page(render(replace(whole, encodes=[])))
    assert page.open == []
    assert "0 encodes" in page.text and "How targets were kept" not in page.text


def test_charts_are_of_one_size_whatever_is_refused(html: str) -> None:
    whole = report_data()
    flat = [replace(e, kbps=100.0) if e.clip == "plain" else e for e in whole.encodes]
    drawn = render(replace(whole, encodes=flat))
    sizes = re.findall(r'<svg viewBox="([^"]*)"', drawn)
    assert len(sizes) == len(re.findall("<svg viewBox", html)) and len(set(sizes)) == 1
    assert drawn.count("no curve</text>") == 1 and "no curve</text>" not in html
    assert "Refused: libvpx-vbr-arf1" not in html.split(AWKWARD_CLIP)[0]
    assert "Refused: libvpx-q" in drawn and "Refused: libvpx-q" not in html


def test_time_is_drawn_against_bd_rate() -> None:
    data = report_data()
    names = [*data.rate_controls, "libvpx-vbr@2"]
    slower = [
        replace(e, rate_control="libvpx-vbr@2", encode_s=2.5, kbps=0.8 * e.kbps)
        for e in data.encodes
        if e.rate_control == "libvpx-vbr"
    ]
    drawn = render(replace(data, encodes=[*data.encodes, *slower], rate_controls=names))
    chart = drawn.partition('<figure class="time">')[2].partition("</figure>")[0]
    assert "libvpx-vbr@2: 2.50 s, −20.00 %" in chart and "libvpx-vbr: 0.25 s, +0.00 %" in chart
    assert chart.count("<circle") == len(names) and chart.count("<polyline") == len(names) - 1
    alone = replace(data, encodes=[e for e in data.encodes if e.rate_control == "libvpx-vbr"])
    assert '<figure class="time">' not in render(alone)


def test_seconds_of_more_threads_say_what_they_lack(html: str) -> None:
    data = report_data()
    threads = replace(data, settings={**data.settings, "threads": "4"})
    assert "other threads" in render(threads) and "other threads" not in html


def test_all_clips_are_compared_as_one_too(page: Page) -> None:
    assert "All clips as one" in page.text
    (found,) = (c for c in results_json(report_data())["bd_rate_corpus"] if c["method"] == AWKWARD_POLICY)
    assert found["percent"] == pytest.approx(-10) and found["clips"] == 2


def test_signed_numbers_have_a_true_minus() -> None:
    assert [signed(-1.234), signed(0.0), signed(2.0, 1)] == ["−1.23", "+0.00", "+2.0"]


def test_results_hold_what_the_page_shows() -> None:
    results: dict[str, Any] = json.loads(results_text(report_data()))
    assert results == results_json(report_data())
    first = results["encodes"][0]
    assert set(first) == {
        *("clip", "method", "target_kbps", "cq_level", "kbps", "psnr_y_db", "psnr_y_sum_db", "ssim", "vmaf"),
        *("psnr_y_p5_db", "psnr_611_db", "frames", "fps", "encode_s", "guarded"),
    }
    assert first["vmaf"] is None and first["psnr_y_sum_db"] == 29.5
    bd = next(b for b in results["bd_rate"] if b["method"] == AWKWARD_POLICY and b["metric"] == "psnr_y")
    assert bd["summary"]["mean"] == pytest.approx(-10)
    assert results["constraint"][-1]["method"] == AWKWARD_POLICY
    assert results["failures"] == [
        {"clip": "plain", "method": "libvpx-vbr-arf1", "reason": "no <luck> & none"}
    ]
