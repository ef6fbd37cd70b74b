"""Writing a report, onto a disk that fails at every one of its writes."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from support.failing_writes import run_with_faults
from support.report_samples import report_data

from encoder_bridge.errors import BadInput
from muzero_rc.report.build import plan_tasks, write_report

NAMES = ["encodes.csv", "report.html", "results.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one."""
    made = tmp_path / "report"
    made.mkdir()
    return made


def test_a_report_is_two_files(folder: Path) -> None:
    page = write_report(report_data(), folder)
    assert page == folder / "report.html"
    assert sorted(path.name for path in folder.iterdir()) == NAMES


@pytest.mark.parametrize("full", [False, True])
def test_a_failing_disk_leaves_the_old_report(folder: Path, full: bool) -> None:
    run_with_faults(
        f"""
        from dataclasses import replace
        from pathlib import Path
        from support.failing_writes import faults
        from support.report_samples import report_data
        from muzero_rc.report.build import write_report
        from muzero_rc.report.page import render
        from muzero_rc.report.results_json import encodes_csv, results_text

        folder, met = Path({str(folder)!r}), 0
        def texts():
            return {{path.name: path.read_text() for path in folder.iterdir()}}
        write_report(report_data(), folder)
        for n in faults(full={full}):
            data, old = replace(report_data(), command=f"run {{n}}"), texts()
            new = {{"report.html": render(data), "results.json": results_text(data),
                   "encodes.csv": encodes_csv(data)}}
            try:
                write_report(data, folder)
            except OSError:
                met += 1
            now = texts()
            assert all(now[name] in (old[name], new[name]) for name in now), n
            assert now["report.html"] == old["report.html"] or now == new, n
        assert met >= 6 and now == new
        """,
        folder,
    )


def test_a_failing_disk_leaves_whole_entries_or_none(folder: Path) -> None:
    run_with_faults(
        f"""
        from pathlib import Path
        from support.failing_writes import faults
        from support.report_samples import measured_encode
        from muzero_rc.evaluation.result_cache import ResultCache, cache_key

        cache, encode, met = ResultCache(Path({str(folder)!r})), measured_encode("c", "libvpx-q", 0), 0
        for n in faults():
            made_from = {{"n": str(n)}}
            try:
                cache.save(cache_key(made_from), encode, made_from)
            except OSError:
                met += 1
                assert cache.load(cache_key(made_from)) is None
                assert not any(Path({str(folder)!r}).iterdir())
        assert met >= 3 and cache.load(cache_key(made_from)) == encode
        """,
        folder,
    )


def test_the_table_of_encodes_has_a_line_for_each(folder: Path) -> None:
    data = report_data()
    write_report(data, folder)
    with (folder / "encodes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(data.encodes)
    assert [row["clip"] for row in rows] == [encode.clip for encode in data.encodes]
    assert [float(row["kbps"]) for row in rows] == [encode.kbps for encode in data.encodes]
    assert rows[0]["vmaf"] == ""


def test_one_clip_that_cannot_be_read_does_not_stop_the_others(
    footage: Callable[..., Path], folder: Path
) -> None:
    good, bad = footage("report-good.mkv"), folder / "bad.mkv"
    bad.write_text("no video")
    tasks, _, failures = plan_tasks([bad, good], bitrates=[50, 60, 70, 80], ladder=None, max_frames=None)
    assert [task.name for task in tasks] == ["report-good"]
    assert [(one.clip, one.rate_control) for one in failures] == [("bad", "every rate control")]
    assert "no video that ffmpeg can read" in failures[0].reason
    with pytest.raises(BadInput, match="no video"):
        plan_tasks([bad], bitrates=[50], ladder=None, max_frames=None)
