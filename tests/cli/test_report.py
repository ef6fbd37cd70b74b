"""rc-report on two small clips: the page, the figures, the second run; and what it refuses."""

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.failing_writes import run_with_faults
from support.html_page import Page

from muzero_rc.cli.report import main
from muzero_rc.corpus.ladder import LADDER_CQ_LEVELS

MakeClip = Callable[..., Path]
TARGETS = (40, 55, 80, 110, 160)
AWKWARD = "a <b>&'c\" é"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> Path:
    """Two clips and the ladder beside them."""
    place = tmp_path_factory.mktemp("corpus")
    for name, noise in ((AWKWARD, 0), ("plain", 8)):
        (place / f"{name}.mkv").write_bytes(make_clip("64x48", 10, noise=noise).read_bytes())
    columns = ["name", *(f"{kind}_{i}" for kind in ("kbps", "psnr_y", "q_kbps") for i in range(1, 6))]
    rows = [[name, *TARGETS, *range(30, 35), *TARGETS] for name in (AWKWARD.replace('"', '""'), "plain")]
    lines = [",".join(columns), *(",".join([f'"{row[0]}"', *map(str, row[1:])]) for row in rows)]
    (place / "ladder-pyramid.csv").write_text("\n".join(lines) + "\n")
    return place


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished report."""
    output = tmp_path_factory.mktemp("report") / "made" / "here"
    words = [
        str(folder),
        "-o",
        str(output),
        "--policy",
        "controller",
        "--compare-with",
        "libvpx-q,libvpx-q-replay",
        "--metrics",
        "psnr,ssim",
    ]
    output.parent.mkdir()
    assert main([*words, "--jobs", "2", "--quiet"]) == 0
    return output


@pytest.fixture(scope="module")
def results(report: Path) -> Any:
    return json.loads((report / "results.json").read_text())


def test_results_hold_every_encode(results: Any) -> None:
    methods = ["libvpx-vbr", "libvpx-vbr-arf1", "libvpx-q", "libvpx-q-replay", "controller"]
    assert results["methods"] == methods
    assert results["failures"] == []
    assert len(results["encodes"]) == 2 * len(methods) * len(TARGETS)
    for encode in results["encodes"]:
        assert encode["kbps"] > 0 and 5 < encode["psnr_y_db"] <= 60 and 0 < encode["ssim"] <= 1
    levels = [e["cq_level"] for e in results["encodes"] if e["method"] == "libvpx-q" and e["clip"] == "plain"]
    assert levels == list(LADDER_CQ_LEVELS)


def test_results_say_how_they_were_made(results: Any) -> None:
    assert results["command"].startswith("rc-report ")
    assert results["settings"]["cpu-used"] == "4"
    assert results["settings"]["targets"].endswith("ladder-pyramid.csv")
    assert {"libvpx", "ffmpeg", "python", "muzero-rc", "processor"} <= set(results["versions"])
    assert re.fullmatch("[0-9a-f]{64}", results["clips"][0]["sha256"])


def test_a_foreign_ladder_is_noted(results: Any) -> None:
    assert any("did not reproduce the ladder" in note for note in results["notes"])


def test_constant_quality_goes_through_the_hook_unchanged(results: Any) -> None:
    """A replay that differs from its source would be listed as a failure."""
    replays = [e for e in results["encodes"] if e["method"] == "libvpx-q-replay"]
    assert len(replays) == 10


def test_every_rate_control_has_a_row_in_both_tables(results: Any) -> None:
    against_vbr = [b for b in results["bd_rate"] if b["anchor"] == "libvpx-vbr" and b["metric"] == "psnr_y"]
    assert {b["method"] for b in against_vbr} == set(results["methods"]) - {"libvpx-vbr"}
    assert all(set(b["clips"]) == {AWKWARD, "plain"} for b in against_vbr)
    plain = next(b for b in against_vbr if b["method"] == "libvpx-vbr-arf1")
    assert plain["summary"]["clips"] == 2 and plain["summary"]["low"] <= plain["summary"]["mean"]
    assert {b["anchor"] for b in results["bd_rate"]} == {"libvpx-vbr", "libvpx-q", "libvpx-vbr-arf1"}
    assert [c["method"] for c in results["constraint"]] == ["libvpx-vbr", "libvpx-vbr-arf1", "controller"]


def test_the_page_is_whole_and_loads_nothing(report: Path) -> None:
    page = (report / "report.html").read_text()
    assert Page(page).open == [] and Page(page).loads == []
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "{{" not in page
    assert AWKWARD not in page and "a &lt;b&gt;" in page
    assert "negative = smaller files" in page


def test_the_page_carries_every_coded_frame(report: Path) -> None:
    page = (report / "report.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert len(data["clips"]) == 2
    for clip in data["clips"]:
        for encodes in clip["encodes"].values():
            rates = [encode["kbps"] for encode in encodes]
            assert rates == sorted(rates) and len(rates) == len(TARGETS)
            for encode in encodes:
                assert len(encode["q"]) == len(encode["bits"]) == len(encode["show"]) >= 10


def test_a_second_run_encodes_nothing(invoke: Any, report: Path, folder: Path) -> None:
    """It says --peers, the older name of --compare-with."""
    before = {path: path.stat().st_mtime_ns for path in (report / "encodes").iterdir()}
    words = ("--policy", "controller", "--peers", "libvpx-q,libvpx-q-replay", "--metrics", "psnr,ssim")
    ran = invoke(main, folder, "-o", report, *words)
    assert ran.status == 0
    assert {path: path.stat().st_mtime_ns for path in (report / "encodes").iterdir()} == before
    assert "controller" in ran.out and ran.out.rstrip().endswith("report.html")
    assert ran.err == ""
    assert sorted(p.name for p in report.iterdir()) == [
        "encodes",
        "encodes.csv",
        "report.html",
        "results.json",
    ]


def test_a_failing_disk_is_one_line_and_leaves_the_old_report(
    report: Path, folder: Path, tmp_path: Path
) -> None:
    """Encodes are there; every run makes another page, for its command is another."""
    copy = tmp_path / "report"
    shutil.copytree(report, copy)
    words = [str(folder), "-o", str(copy), "--compare-with", "libvpx-q,libvpx-q-replay", "--quiet"]
    words += ["--metrics", "psnr,ssim"]
    run_with_faults(
        f"""
        import contextlib, io
        from pathlib import Path
        from support.failing_writes import faults
        from muzero_rc.cli.report import main

        page, met = Path({str(copy)!r}, "report.html"), 0
        for n in faults():
            old = page.read_text()
            with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(io.StringIO()):
                status = main([*{words!r}, "--policy", "controller", "--jobs", str(n)])
            if status == 0:
                assert page.read_text() != old, n
                continue
            met += 1
            assert status == 1 and err.getvalue().count("\\n") == 1, err.getvalue()
            assert "No space left" in err.getvalue()
            assert page.read_text() == old, n
            names = ["encodes", "encodes.csv", "report.html", "results.json"]
            assert sorted(p.name for p in page.parent.iterdir()) == names
        assert met >= 6 and status == 0
        """,
        copy,
    )


def test_bitrates_for_one_clip(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    words = ("--bitrates", "240k,30k,60k,120k", "--policy", "controller", "--compare-with", "")
    words += ("--auto-alt-ref", "1", "--cpu-used", "5,4")
    ran = invoke(main, make_clip("64x48", 4, noise=20), "-o", tmp_path, *words)
    assert ran.status == 0, ran.err
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["methods"] == ["libvpx-vbr", "controller", "libvpx-vbr@4", "controller@4"]
    assert results["settings"]["cpu-used"] == "5"
    assert [e["target_kbps"] for e in results["encodes"][:4]] == [30, 60, 120, 240]
    assert ran.err.count("\n") == 16


def test_figures_go_into_the_readme(report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(__file__).resolve().parents[2] / "scripts" / "docs" / "readme_table.py"
    spec = importlib.util.spec_from_file_location("readme_table", path)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "docs" / "results").mkdir(parents=True)
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n")
    for _ in range(2):  # the second time finds its own table
        assert script.main(["--commit", "abc", f"tiny={report}"]) == 0
    text = readme.read_text()
    assert text.startswith("before\n<!-- results:begin -->\n2 clips") and text.endswith(
        "<!-- results:end -->\nafter\n"
    )
    assert "old" not in text and text.count("| **controller** |") == 1
    rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 5 and len(set(rows)) == 1
    kept = json.loads((tmp_path / "docs" / "results" / "tiny.json").read_text())
    assert kept["encodes"] == json.loads((report / "results.json").read_text())["encodes"]
    assert (tmp_path / "docs" / "results" / "tiny.svg").read_text().count("<circle") > 4
    assert (tmp_path / "docs" / "results" / "tiny.html").read_text().startswith("<!doctype html>")
    assert script.main(["--commit", "abc", f"gone={tmp_path}"]) == 2


def refused(ran: Any) -> str:
    assert ran.status == 2, ran
    assert ran.err.count("\n") == 1 and ran.err.startswith("rc-report: "), ran.err
    return str(ran.err)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bitrates", "abc,1k,2k,3k"], "abc"),
        (["--bitrates", "10k,20k"], "4"),
        (["--bitrates", "10k,20k,30k,40k", "--metrics", "psnr,looks"], "looks"),
        (["--bitrates", "10k,20k,30k,40k", "--policy", "nobody"], "nobody"),
        (["--bitrates", "10k,20k,30k,40k", "--compare-with", "libvpx-x"], "libvpx-q-replay"),
        (["--bitrates", "10k,20k,30k,40k", "--baseline", "nobody"], "nobody"),
        (["--bitrates", "10k,20k,30k,40k", "--jobs", "0"], "jobs"),
        (["--bitrates", "10k,20k,30k,40k", "--cpu-used", "99"], "99"),
        (["--bitrates", "10k,20k,30k,40k", "--cpu-used", "4,fast"], "4,fast"),
        (["--bitrates", "10k,20k,30k,40k", "--compare-with", "libvpx-q@2"], "libvpx-q@2"),
        (["--bitrates", "10k,20k,30k,40k", "--ladder", "x.csv"], "ladder"),
        (["--ladder", "missing.csv"], "missing.csv"),
        ([], "ladder-pyramid.csv"),
    ],
)
def test_bad_options(invoke: Any, make_clip: MakeClip, tmp_path: Path, words: list[str], said: str) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "out", *words)
    assert said in refused(ran)
    assert not (tmp_path / "out").exists()


def test_bad_clips(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    rates = ("--bitrates", "10k,20k,30k,40k")
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    empty = tmp_path / "empty"
    empty.mkdir()
    twin = tmp_path / make_clip().name
    twin.write_bytes(make_clip().read_bytes())
    for clips, said in [
        ([tmp_path / "none.mkv"], "none.mkv"),
        ([text], "text.mp4"),
        ([empty], "no videos"),
        ([make_clip(), twin], "same name"),
    ]:
        assert said in refused(invoke(main, *clips, "-o", tmp_path / "out", *rates))
    assert not (tmp_path / "out").exists()


def test_a_policy_file_that_is_none(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    policy = tmp_path / "fake.safetensors"
    policy.write_bytes(b"hello")
    rates = ("--bitrates", "10k,20k,30k,40k")
    ran = invoke(main, make_clip(), "-o", tmp_path / "out", *rates, "--policy", policy)
    assert "fake.safetensors" in refused(ran)
    assert not (tmp_path / "out").exists()


def test_output_is_a_file(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    output = tmp_path / "file"
    output.touch()
    ran = invoke(main, make_clip(), "-o", output, "--bitrates", "10k,20k,30k,40k")
    assert "folder" in refused(ran)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kbps_1"),
        ("name,kbps_1\n", "psnr_y_1"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\n", "no clips"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\na,fast,30,20\n", "line 2"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\na,20,30\n", "q_kbps_1"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\na,nan,30,20\n", "nan"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\na,20.5,30,20\n", "whole"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\na,20,30,20\na,20,30,20\n", "twice"),
        ("name,kbps_1,psnr_y_1,q_kbps_1\nother,20,30,20\n", "no row"),
    ],
)
def test_bad_ladders(invoke: Any, make_clip: MakeClip, tmp_path: Path, text: str, said: str) -> None:
    ladder = tmp_path / "ladder.csv"
    ladder.write_text(text)
    assert said in refused(invoke(main, make_clip(), "-o", tmp_path / "out", "--ladder", ladder))


def test_a_ladder_that_is_no_text(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ladder = tmp_path / "ladder.csv"
    ladder.write_bytes(os.urandom(8) + b"\xff\xfe\x00")
    refused(invoke(main, make_clip(), "-o", tmp_path / "out", "--ladder", ladder))
