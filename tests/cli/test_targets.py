"""What rc-encode aims at: sizes of whole files, several bitrates, a cap on quality, all of the budget."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]
FAST = ("--cpu-used", "5", "--json")


@pytest.mark.parametrize("suffix", ["webm", "mp4"])
def test_a_target_size_holds_for_the_whole_file(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, suffix: str
) -> None:
    clip, output = make_clip("96x64", 30, suffix=".mp4", audio=True, noise=12), tmp_path / f"o.{suffix}"
    ran = invoke(main, clip, "-o", output, "--target-size", "40K", *FAST)
    assert ran.status == 0, ran.err
    result = json.loads(ran.out)
    assert output.stat().st_size == result["file_bytes"] <= 40_000
    assert result["file_bytes"] > 0.95 * 40_000


def test_a_clip_that_needs_less_is_not_blown_up(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--target-size", "200K", *FAST)
    assert ran.status == 0, ran.err
    result = json.loads(ran.out)
    assert result["file_bytes"] < 100_000
    assert result["mean_qindex"] >= 16


def test_a_size_that_cannot_be_is_refused_with_the_least(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    clip = make_clip("128x96", 12, noise=80)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--target-size", "600", *FAST)
    assert ran.status == 2
    assert "does not fit into 600 bytes" in ran.err and "is the least" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_max_quality_is_the_finest_qindex(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    words = ("--bitrate", "400k", "--max-quality", "90", *FAST)
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["mean_qindex"] >= 90


def test_refill_spends_what_was_left_and_never_more(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip()
    results = {}
    for refill in ("never", "auto"):
        output = tmp_path / f"{refill}.webm"
        ran = invoke(main, clip, "-o", output, "--bitrate", "300k", "--refill", refill, *FAST)
        assert ran.status == 0, ran.err
        results[refill] = json.loads(ran.out)
    never, auto = results["never"], results["auto"]
    assert never["encodes"] == 1 and never["fill"] < 0.98
    assert auto["encodes"] == 2 and never["fill"] < auto["fill"] <= 1
    assert auto["psnr_y_db"] > never["psnr_y_db"]


def test_nobody_at_a_pipe_waits_for_a_refill(
    make_clip: MakeClip,
) -> None:
    words = [str(make_clip()), "-o", "-", "--bitrate", "300k", *FAST]
    done = subprocess.run(
        [sys.executable, "-m", "muzero_rc.cli.encode", *words], capture_output=True, check=True
    )
    assert json.loads(done.stderr)["encodes"] == 1


def test_a_ladder_is_made_from_one_first_pass(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/none")  # no cache helps
    from encoder_bridge.encode import first_pass

    made = []
    monkeypatch.setattr(
        first_pass, "first_pass", lambda *a, real=first_pass.first_pass, **k: made.append(1) or real(*a, **k)
    )
    ran = invoke(main, make_clip(), "-o", tmp_path / "o-{kbps}.webm", "--bitrate", "60k,80k", *FAST)
    assert ran.status == 0, ran.err
    assert [json.loads(line)["target_kbps"] for line in ran.out.splitlines()] == [60, 80]
    assert {path.name for path in tmp_path.iterdir()} == {"o-60.webm", "o-80.webm"}
    assert made == [1]
    single = invoke(main, make_clip(), "-o", tmp_path / "one.webm", "--bitrate", "80k", *FAST)
    assert single.status == 0
    assert (tmp_path / "one.webm").read_bytes() == (tmp_path / "o-80.webm").read_bytes()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--bitrate", "60k,80k"), "{kbps}"),
        (("--bitrate", "60k,60k"), "twice"),
        (("--bitrate", "60k", "--target-size", "1M"), "one of them"),
        ((), "one of them"),
        (("--target-size", "lots"), "no size"),
        (("--bitrate", "60k", "--max-quality", "0"), "--max-quality"),
        (("--bitrate", "60k", "--tiles", "3"), "--tiles"),
        (("--bitrate", "60k", "--start", "later"), "no time"),
        (("--bitrate", "60k", "--start", "5", "--end", "4"), "does not lie behind"),
        (("--bitrate", "60k", "--filter", "no_such_filter"), "no_such_filter"),
    ],
)
def test_what_cannot_be_asked(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and line in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_batch_goes_on_and_ends_with_a_table(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    folder, bad = tmp_path / "out", tmp_path / "bad.mp4"
    folder.mkdir()
    bad.write_text("no video")
    clips = [tmp_path / "one.mkv", bad, tmp_path / "two.mkv"]
    for clip in (clips[0], clips[2]):
        clip.write_bytes(make_clip(frames=4).read_bytes())
    ran = invoke(main, *clips, "-o", folder, "--bitrate", "80k", "--cpu-used", "5")
    assert ran.status == 2
    assert {path.name for path in folder.iterdir()} == {"one.webm", "two.webm"}
    assert ran.err == f"rc-encode: {bad} is no video that ffmpeg can read\n"
    rows = ran.out.splitlines()
    assert [row.split()[0] for row in rows] == ["input", *map(str, clips)]
    assert "failed" in rows[2] and "one.webm" in rows[1]

    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "two.webm").unlink()
    again = invoke(main, clips[0], clips[2], "-o", folder, "--bitrate", "80k", "--cpu-used", "5", "--resume")
    assert again.status == 0, again.err
    assert "there already" in again.out.splitlines()[1]
    assert (folder / "one.webm").stat().st_mtime_ns == before[folder / "one.webm"]
    assert (folder / "two.webm").exists()


def test_a_batch_wants_a_folder_and_names_of_its_own(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    ran = invoke(main, make_clip(), make_clip(frames=4), "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert (ran.status, ran.err.count("\n")) == (2, 1) and "a folder" in ran.err
    (tmp_path / "a").mkdir()
    ran = invoke(main, "x/c.mkv", "y/c.mp4", "-o", tmp_path / "a", "--bitrate", "80k")
    assert ran.status == 2 and "would both become" in ran.err


def test_a_part_of_a_clip_filtered(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    words = ("--start", "0.2", "--end", "0.76", "--filter", "scale=32:24", "--bitrate", "60k", *FAST)
    ran = invoke(main, make_clip(frames=30), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 0, ran.err
    result = json.loads(ran.out)
    assert (result["width"], result["height"], result["frames"], result["fps"]) == (32, 24, 14, 25)


def test_another_frame_rate(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    words = ("--fps", "12.5", "--bitrate", "60k", *FAST)
    ran = invoke(main, make_clip(frames=30), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 0, ran.err
    assert (json.loads(ran.out)["frames"], json.loads(ran.out)["fps"]) == (15, 12.5)


def test_tiles_and_rows_are_taken(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    words = ("--tiles", "2", "--row-mt", "1", "--threads", "2", "--bitrate", "60k", *FAST)
    ran = invoke(main, make_clip(frames=4), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 0, ran.err


def test_audio_at_a_bitrate(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    clip, sizes = make_clip(frames=50, suffix=".mp4", audio=True), []
    for rate in ("24k", "128k"):
        words = ("--audio-bitrate", rate, "--bitrate", "60k", "--force", *FAST)
        ran = invoke(main, clip, "-o", tmp_path / "o.webm", *words)
        assert ran.status == 0, ran.err
        sizes.append(json.loads(ran.out)["file_bytes"])
    assert sizes[0] + 5000 < sizes[1]
