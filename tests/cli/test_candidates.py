"""rc-encode --candidates: several encodes, the best that fits comes out, and nothing of the others."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encoder_bridge._native import versions
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.probe import probe
from encoder_bridge.media.psnr import psnr_db
from encoder_bridge.media.quality import luma_sse
from muzero_rc.cli import encode as command
from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]


@pytest.fixture
def encoded(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], bytes]]:
    """Encodes a moving clip to tmp_path/NAME.webm; gives what --json says and the file's bytes."""

    def run(name: str, *words: str, clip: Path | None = None) -> tuple[dict[str, Any], bytes]:
        clip = clip or make_clip("96x64", 30, noise=12)
        output = tmp_path / f"{name}.webm"
        usual = () if "--bitrate" in words else ("--bitrate", "150k")
        ran = invoke(main, clip, "-o", output, "--cpu-used", "5", "--json", *usual, *words)
        assert ran.status == 0, ran.err
        return json.loads(ran.out), output.read_bytes()

    return run


def test_one_candidate_is_the_plain_encode(encoded: Any) -> None:
    plain, plain_bytes = encoded("plain")
    one, one_bytes = encoded("one", "--candidates", "1")
    assert one_bytes == plain_bytes
    passing = {"output", "seconds"}
    assert {**one, **{key: plain[key] for key in passing}} == plain


def test_the_best_that_fits_comes_out(encoded: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    plain, _ = encoded("plain")
    assert plain["fill"] <= 1
    best, _ = encoded("best", "--candidates", "4")
    tried = best["candidates"]
    assert [one["number"] for one in tried] == [1, 2, 3, 4]
    assert len({one["psnr_y_db"] for one in tried}) > 1
    assert {key: tried[0][key] for key in ("kbps", "psnr_y_db")} == {
        key: plain[key] for key in ("kbps", "psnr_y_db")
    }
    winner = tried[best["winner"] - 1]
    assert winner["fits"] and winner["fill"] <= 1
    assert winner["psnr_y_db"] == max(one["psnr_y_db"] for one in tried if one["fits"])
    assert best["psnr_y_db"] == winner["psnr_y_db"] >= plain["psnr_y_db"]
    assert best["gain_db"] == pytest.approx(winner["psnr_y_db"] - plain["psnr_y_db"], abs=2e-4)

    clip = probe(make_clip("96x64", 30, noise=12))  # what a player decodes is the winner
    decoded = psnr_db(luma_sse(clip, tmp_path / "best.webm"), 96 * 64)
    assert decoded.mean() == pytest.approx(winner["psnr_y_db"], abs=1e-3)


def test_the_same_command_gives_the_same_file(encoded: Any) -> None:
    first, first_bytes = encoded("a", "--candidates", "3")
    again, again_bytes = encoded("b", "--candidates", "3")
    assert again_bytes == first_bytes
    assert again["candidates"] == first["candidates"]
    few, _ = encoded("few", "--candidates", "2")
    assert few["candidates"] == first["candidates"][:2]


def test_rehearsals_that_come_first_tell_their_own_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([1000.0, 1002.0])
    monkeypatch.setattr("muzero_rc.cli.encode_words.time.monotonic", lambda: next(now))
    line = command.ProgressLine(frames=100, fps=25.0, rehearsals=4)  # the first pass was in the cache
    line(0, Progress(0, 0, 0))
    line(0, Progress(160, 150, 0))
    assert "rehearsal 2/4  75.0 fps  ETA 0:03" in capsys.readouterr().err


def test_rehearsed_gops_are_the_second_candidate_s(encoded: Any) -> None:
    alone, alone_bytes = encoded("alone", "--effort", "6", "--refill", "never")
    _, again_bytes = encoded("again", "--effort", "6", "--refill", "never")
    assert again_bytes == alone_bytes
    best, _ = encoded("best", "--effort", "6", "--candidates", "2")
    second = best["candidates"][1]
    assert (second["kbps"], second["psnr_y_db"]) == (alone["kbps"], alone["psnr_y_db"])


def test_where_none_fits_the_least_overshoot_wins(encoded: Any, make_clip: MakeClip) -> None:
    clip = make_clip("128x96", 12, noise=80)
    best, _ = encoded("o", "--candidates", "2", "--bitrate", "1k", "--policy", "controller", clip=clip)
    tried = best["candidates"]
    assert not any(one["fits"] for one in tried)
    assert best["kbps"] == min(one["kbps"] for one in tried)


def test_one_frame(encoded: Any, make_clip: MakeClip) -> None:
    best, _ = encoded("o", "--candidates", "3", "--bitrate", "300k", clip=make_clip(frames=1))
    assert best["frames"] == 1 and len(best["candidates"]) == 3


def test_the_sentence_names_the_winner(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--candidates", "2")
    assert "of 2, +" in ran.out and "dB to the first" in ran.out


@pytest.mark.parametrize(
    "words",
    [("0",), ("-2",), ("1001",), ("many",), ("1.5",), ("4", "--policy", "libvpx")],
    ids=" ".join,
)
def test_refusals(invoke: Any, make_clip: MakeClip, tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--candidates", *words)
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and ran.err.startswith("rc-encode: ") and "--candidates" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("1",), ("-3",), ("1001",), ("4", "--policy", "libvpx")], ids=" ".join)
def test_efforts_that_are_refused(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--effort", *words)
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and ran.err.startswith("rc-encode: --effort")
    assert list(tmp_path.iterdir()) == []


def test_a_size_with_effort(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    clip, output = make_clip("96x64", 30, noise=12), tmp_path / "o.webm"
    ran = invoke(main, clip, "-o", output, "--target-size", "20K", "--cpu-used", "5", "--effort", "3")
    assert ran.status == 0, ran.err
    assert 18_000 <= output.stat().st_size <= 20_000


def test_a_pipe_is_read_once_and_encoded_many_times(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(suffix=".y4m", frames=6)
    words = [sys.executable, "-m", "muzero_rc.cli.encode", "-", "-o", str(tmp_path / "o.webm"), "--json"]
    words += ["--bitrate", "80k", "--candidates", "3"]
    done = subprocess.run(words, input=clip.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["frames"], len(result["candidates"])) == (6, 3)


def at_candidate(number: int, action: Callable[[], None]) -> Callable[..., None]:
    """A ProgressLine.__call__ that acts in the middle of one candidate."""

    def call(_self: object, told: int, _progress: Progress) -> None:
        if told == 1 + number:
            action()

    return call


def test_ctrl_c_in_a_later_candidate_leaves_nothing(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    clip, temporary, output = make_clip(), tmp_path / "tmp", tmp_path / "o.webm"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(command.ProgressLine, "__call__", at_candidate(3, interrupt))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = invoke(main, clip, "-o", output, "--bitrate", "80k", "--candidates", "5")
    assert ran.status == 130, ran.err
    assert not output.exists() and list(temporary.iterdir()) == []


def test_a_kill_leaves_the_old_output(make_clip: MakeClip, tmp_path: Path) -> None:
    output = tmp_path / "o.webm"
    output.write_text("old")
    code = (
        "import os, signal, sys\n"
        "from muzero_rc.cli import encode\n"
        "def call(_self, told, _progress):\n"
        "    if told == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "encode.ProgressLine.__call__ = call\n"
        "sys.stderr.isatty = lambda: True\n"
        "encode.main(sys.argv[1:])\n"
    )
    words = [str(make_clip()), "-o", str(output), "--force", "--bitrate", "80k", "--candidates", "4"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code, *words], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert output.read_text() == "old"
    assert [path.name for path in tmp_path.glob("*.webm*")] == ["o.webm"]


def test_the_best_and_the_present_encode_are_all_that_is_kept(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[int, int] = {}

    def count(_self: object, told: int, _progress: Progress) -> None:
        links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
        scratch = sum(link.is_relative_to(temporary) for link in links)
        kept[told] = scratch - 1  # the running ffmpeg's complaints
        assert list(temporary.iterdir()) == []  # and no name that a kill would leave

    clip, temporary = make_clip(), tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(command.ProgressLine, "__call__", count)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "80k", "--candidates", "5")
    assert ran.status == 0, ran.err
    kept.pop(1, None)  # the first pass, told of where it is not in the cache
    assert kept == {2: 1, 3: 2, 4: 2, 5: 2, 6: 2}


def test_progress_names_the_candidate(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "80k", "--candidates", "2")
    assert "candidate 1/2" in ran.err and "candidate 2/2" in ran.err and "pass 2" not in ran.err


def test_other_gops_are_tried(encoded: Any, make_clip: MakeClip) -> None:
    clip = make_clip("96x64", 60, noise=12)
    best, _ = encoded("best", "--candidates", "6", "--policy", "shapes", clip=clip)
    own, _ = encoded("own", "--policy", "controller", "--refill", "never", clip=clip)
    policy, _ = encoded("policy", "--policy", "shapes", "--refill", "never", clip=clip)
    tried = [(one["kbps"], one["psnr_y_db"]) for one in best["candidates"]]
    assert tried[0] == (policy["kbps"], policy["psnr_y_db"])
    release = tuple(int(part) for part in versions()["libvpx_runtime"].lstrip("v").split(".")[:2])
    if release < (1, 15):  # from there on a policy of shapes sets the filter's strength too
        assert tried[5] == (own["kbps"], own["psnr_y_db"]), "libvpx's own lengths"
    assert len(set(tried)) == 6
    under_controller, _ = encoded("c", "--candidates", "3", "--policy", "controller", clip=clip)
    others = [(one["kbps"], one["psnr_y_db"]) for one in under_controller["candidates"]]
    assert others[0] == (own["kbps"], own["psnr_y_db"]) and len(set(others)) == 3


def test_scenes_come_from_the_candidates_that_coded_them_best(
    encoded: Any, invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    scenes = tmp_path / "scenes.mkv"
    graph = (
        "[0:v]trim=end_frame=40,setsar=1[a];[1:v]trim=end_frame=40,format=yuv420p,setsar=1[b];[a][b]concat"
    )
    inputs = ["-i", str(make_clip("96x64", 40, noise=12)), "-f", "lavfi", "-i", "mandelbrot=s=96x64:r=25"]
    command = ["ffmpeg", "-v", "error", *inputs, "-filter_complex", graph, "-c:v", "ffv1", str(scenes)]
    subprocess.run(command, check=True)
    best, _ = encoded("best", "--candidates", "6", "--bitrate", "120k", clip=scenes)
    tried, segments = best["candidates"], best["segments"]
    assert best["winner"] is None and len({one["candidate"] for one in segments}) > 1
    assert [one["start"] for one in segments] == [0, *(one["end"] for one in segments[:-1])]
    assert segments[-1]["end"] == best["frames"] == 80
    assert best["fill"] <= 1
    assert best["psnr_y_db"] > max(one["psnr_y_db"] for one in tried if one["fits"])
    decoded = psnr_db(luma_sse(probe(scenes), tmp_path / "best.webm"), 96 * 64)
    assert decoded.mean() == pytest.approx(best["psnr_y_db"], abs=1e-3)

    words = ("--bitrate", "120k", "--cpu-used", "5", "--candidates", "6", "--force")
    said = invoke(main, scenes, "-o", tmp_path / "best.webm", *words).out
    numbers = sorted({one["candidate"] for one in segments})
    assert f"candidates {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} of 6, +" in said


def test_candidates_made_together_are_the_same(encoded: Any) -> None:
    one, one_bytes = encoded("one", "--candidates", "5")
    three, three_bytes = encoded("three", "--candidates", "5", "--workers", "3")
    assert three_bytes == one_bytes
    assert three["candidates"] == one["candidates"]
    assert (one["workers"], three["workers"]) == (1, 3)


def test_searched_gops_are_not_tried_twice(encoded: Any, make_clip: MakeClip) -> None:
    best, _ = encoded("best", "--candidates", "12", clip=make_clip("64x48", 40, noise=12))
    tried = [(one["kbps"], one["psnr_y_db"]) for one in best["candidates"]]
    searched = tried[6:10]  # after the policy's, libvpx's and common lengths, before the replays
    assert len(set(searched)) == 4
