"""The table of both families of libvpx: what stands in it, and which reports make none."""

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.report_samples import TARGETS, measured_encode, report_data

from muzero_rc.evaluation.results import ReportClip
from muzero_rc.report.results_json import results_text

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "docs" / "two_families.py"
METHODS = ("libvpx-vbr", "libvpx-q", "controller", "shapes")
BITS = {"libvpx-vbr": 1.0, "libvpx-q": 0.95, "controller": 0.9, "shapes": 0.81}
"""At equal quality, so that BD-rates are known."""
MakeReport = Callable[..., Path]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])
    spec = importlib.util.spec_from_file_location("script_two_families", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_report(tmp_path: Path) -> MakeReport:
    def make(
        libvpx: str, *clips: str, cpu_used: str = "4", worse: float = 1.0, more: tuple[str, ...] = ()
    ) -> Path:
        encodes = [
            replace(
                measured_encode(clip, method, rung, kbps=worse * BITS[method] * kbps),
                target_kbps=None if method == "libvpx-q" else kbps,
            )
            for clip in clips
            for method in METHODS
            for rung, kbps in enumerate(TARGETS)
        ]
        data = replace(
            report_data(),
            clips=[ReportClip(clip, 64, 48, 2, 25.0, "ab" * 32) for clip in clips],
            encodes=encodes,
            failures=[],
            rate_controls=[*METHODS, *more],
            policies=["controller", "shapes"],
            settings={"targets": "of a ladder", "cpu-used": cpu_used, "auto-alt-ref": "6"},
            versions={"libvpx": f"{libvpx} (ABI)", "processor": "A CPU, 2 threads", "ffmpeg": "5"},
            command=f"rc-report /clips/{clips[0]} -o out --libvpx /somewhere/libvpx.so --quiet",
        )
        folder = tmp_path / f"{libvpx}-{clips[0]}"
        folder.mkdir()
        (folder / "results.json").write_text(results_text(data))
        return folder

    return make


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- families:begin -->\nold\n<!-- families:end -->\nafter\n")
    return path


def words(readme: Path, older: list[Path], newer: list[Path]) -> list[str]:
    named = ["--older", *map(str, older), "--newer", *map(str, newer)]
    return [*named, "--commit", "abc", "--corpus", "/clips", "--readme", str(readme)]


def test_the_table_has_both_families_over_all_their_clips(
    script: ModuleType, make_report: MakeReport, readme: Path
) -> None:
    older = [make_report("1.12.0", "a", more=("libvpx-corpus",)), make_report("1.12.0", "b", "c")]
    newer = [make_report("1.17.0", "a", "b", "c", worse=1.02)]
    assert script.main(words(readme, older, newer)) == 0
    text = readme.read_text()
    assert text.startswith("before\n<!-- families:begin -->\n3 clips, ") and text.endswith("end -->\nafter\n")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| 1.1")]
    assert [(row[0], row[1]) for row in rows] == [
        (libvpx, f"**{method}**" if method in ("controller", "shapes") else method)
        for libvpx in ("1.12.0", "1.17.0")
        for method in (*METHODS, "shapes")
    ]
    assert [row[3] for row in rows] == 2 * ["0", "−5.00", "−10.00", "−19.00", "−10.00"]
    assert [row[2] for row in rows[2:5]] == ["libvpx-vbr", "libvpx-vbr", "controller"]
    assert rows[0][-2:] == ["0.0 %", "1.000"] and rows[5][-2:] == ["100.0 %", "1.020"]
    assert rows[1][-2:] == ["–", "–"] and rows[2][6] == "0 of 3"
    assert "1.17.0 to 1.12.0, at equal PSNR-Y: libvpx-vbr +2.00 %" in text
    assert "rc-report $MUZERO_RC_CORPUS/b -o out --libvpx ~/.cache/muzero-rc/libvpx/1.12.0/libvpx.so" in text
    figures: Any = json.loads((readme.parent / "docs" / "results" / "families.json").read_text())
    assert len(figures["bd_rate"]) == 2 * 4 and figures["bd_rate"][0]["clips"].keys() == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("older", "newer", "said"),
    [
        ([("1.12.0", "a")], [("1.14.0", "a")], "no release from 1.15 on"),
        ([("1.17.0", "a")], [("1.15.0", "a")], "no release up to 1.14"),
        ([("1.12.0", "a"), ("1.14.0", "b")], [("1.17.0", "a")], "of libvpx 1.12.0 and 1.14.0"),
        ([("1.12.0", "a")], [("1.17.0", "b")], "clips of one family only: a, b"),
        ([("1.12.0", "a")], [("1.17.0", "a", "2")], "different settings"),
        ([("1.12.0", "a")], [], "does not exist: run rc-report first"),
    ],
)
def test_other_reports_make_no_table(
    script: ModuleType,
    make_report: MakeReport,
    readme: Path,
    capsys: pytest.CaptureFixture[str],
    older: list[tuple[str, ...]],
    newer: list[tuple[str, ...]],
    said: str,
) -> None:
    before = readme.read_text()
    folders = [
        [
            make_report(libvpx, clip, **({"cpu_used": rest[0]} if rest else {}))
            for libvpx, clip, *rest in family
        ]
        for family in (older, newer)
    ]
    assert script.main(words(readme, folders[0], folders[1] or [readme.parent / "none"])) == 2
    assert said in capsys.readouterr().err
    assert readme.read_text() == before


def test_a_readme_without_the_markers_stays(
    script: ModuleType, make_report: MakeReport, readme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme.write_text("nothing here\n")
    reports = [[make_report(libvpx, "a")] for libvpx in ("1.12.0", "1.17.0")]
    assert script.main(words(readme, *reports)) == 2
    assert "has no lines <!-- families:begin -->" in capsys.readouterr().err
