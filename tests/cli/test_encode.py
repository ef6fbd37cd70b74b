"""rc-encode on small real clips: what comes out, what is printed, how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encoder_bridge.encode.waiting import Progress
from muzero_rc.cli import encode as command
from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]


def probe(path: Path) -> dict[str, Any]:
    """ffprobe's view, the frames of the first video stream decoded and counted."""
    words = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", f"file:{path}"]
    streams = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


@pytest.mark.parametrize("policy", ["controller", "libvpx"])
def test_makes_a_webm(invoke: Any, make_clip: MakeClip, tmp_path: Path, policy: str) -> None:
    output = tmp_path / "out.webm"
    ran = invoke(main, make_clip(), "-o", output, "--bitrate", "80k", "--policy", policy)
    assert ran.status == 0, ran.err
    assert str(output) in ran.out and "kbps" in ran.out
    video = probe(output)["video"]
    assert (video["codec_name"], video["width"], video["height"]) == ("vp9", 64, 48)
    assert video["nb_read_frames"] == "12"
    assert [p.name for p in tmp_path.iterdir()] == ["out.webm"]


def test_json_is_one_object_with_the_figures(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    output = tmp_path / "out.webm"
    ran = invoke(main, make_clip(), "-o", output, "--bitrate", "80k", "--json")
    result = json.loads(ran.out)
    assert (result["output"], result["policy"]) == (str(output), "shapes")
    assert (result["frames"], result["fps"], result["target_kbps"]) == (12, 25, 80)
    assert result["decisions"] >= 12
    assert result["file_bytes"] == output.stat().st_size
    assert 1 <= result["mean_qindex"] <= 255
    assert result["fill"] == pytest.approx(result["kbps"] / 80, abs=1e-4)
    assert 20 < result["psnr_y_db"] <= 60


def test_libvpx_decides_alone(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(
        main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--policy", "libvpx", "--json"
    )
    result = json.loads(ran.out)
    assert (result["policy"], result["decisions"]) == ("libvpx", 0)


def test_same_input_same_bytes(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    for name in ("a.webm", "b.webm"):
        assert invoke(main, make_clip(), "-o", tmp_path / name, "--bitrate", "80k").status == 0
    assert (tmp_path / "a.webm").read_bytes() == (tmp_path / "b.webm").read_bytes()


@pytest.mark.parametrize("size", ["33x17", "64x49", "16x16", "65x48"])
def test_odd_sizes(invoke: Any, make_clip: MakeClip, tmp_path: Path, size: str) -> None:
    ran = invoke(main, make_clip(size, 5), "-o", tmp_path / "o.webm", "--bitrate", "50k", "--quiet")
    assert ran.status == 0, ran.err
    video = probe(tmp_path / "o.webm")["video"]
    assert f"{video['width']}x{video['height']}" == size
    assert ran.err == ""


@pytest.mark.parametrize("policy", ["controller", "libvpx"])
def test_one_frame(invoke: Any, make_clip: MakeClip, tmp_path: Path, policy: str) -> None:
    words = ("--bitrate", "300k", "--policy", policy)
    ran = invoke(main, make_clip(frames=1), "-o", tmp_path / "o.webm", *words)
    assert ran.status == 0, ran.err
    assert probe(tmp_path / "o.webm")["video"]["nb_read_frames"] == "1"


@pytest.mark.parametrize(
    "name",
    ["with space", 'it\'s "quoted"', "ünïcödé 視頻", "-dash", "a:b", "per%cent%d", "[glob]*", "--json"],
)
def test_awkward_names(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source, output = Path(f"{name}.mkv"), Path(f"{name}.webm")
    source.write_bytes(make_clip(frames=3).read_bytes())
    ran = invoke(main, source, "-o", output, "--bitrate", "80k")
    assert ran.status == 0, ran.err
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([source.name, output.name])


def test_a_dashed_name_behind_two_dashes(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-x.mkv").write_bytes(make_clip(frames=3).read_bytes())
    assert invoke(main, "-o", "o.webm", "--bitrate", "80k", "--", "-x.mkv").status == 0


def test_force_replaces(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    output = tmp_path / "o.webm"
    output.write_text("old")
    assert invoke(main, make_clip(), "-o", output, "--bitrate", "80k", "--force").status == 0
    assert probe(output)["video"]["codec_name"] == "vp9"


def test_max_frames(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(
        main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--max-frames", "5", "--json"
    )
    assert json.loads(ran.out)["frames"] == 5


@pytest.mark.parametrize(("audio", "kept"), [("copy", True), ("none", False)])
def test_audio(invoke: Any, make_clip: MakeClip, tmp_path: Path, audio: str, kept: bool) -> None:
    clip = make_clip(suffix=".mp4", audio=True)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "80k", "--audio", audio)
    assert ran.status == 0, ran.err
    assert ("audio" in probe(tmp_path / "o.webm")) == kept


def test_a_target_below_the_floor_is_finished_and_said(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    clip = make_clip("128x96", 12, noise=80)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "1k", "--policy", "controller")
    assert ran.status == 0, ran.err
    assert "cannot be smaller" in ran.out
    assert (tmp_path / "o.webm").exists()


def test_rounded_bitrates_are_said(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80600", "--json")
    assert json.loads(ran.out)["target_kbps"] == 81
    assert "81k" in ran.err


def test_progress_on_a_terminal(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "81k")
    assert "pass 2/2" in ran.err and "fps" in ran.err and "kbps" in ran.err


def test_no_progress_when_nobody_watches(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    assert invoke(main, make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k").err == ""


def test_ctrl_c_in_the_second_pass_leaves_nothing(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_self: object, number: int, _progress: Progress) -> None:
        if number == 2:
            raise KeyboardInterrupt

    clip = make_clip()
    monkeypatch.setattr(command.ProgressLine, "__call__", interrupt)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = invoke(main, clip, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert ran.status == 130
    assert "interrupted" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_waiting_process(tmp_path: Path, number: signal.Signals) -> None:
    fifo = tmp_path / "pipe.y4m"
    os.mkfifo(fifo)
    words = [sys.executable, "-m", "muzero_rc.cli.encode", str(fifo), "-o", str(tmp_path / "o.webm")]

    def heed_signals() -> None:  # a shell's background job is started with SIGINT ignored
        signal.signal(number, signal.SIG_DFL)

    process = subprocess.Popen(
        [*words, "--bitrate", "80k"], stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    )
    with fifo.open("wb"):  # opens once the process reads, which then waits for more
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == [fifo.name]


def test_y4m_on_stdin(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(suffix=".y4m", frames=4)
    words = [sys.executable, "-m", "muzero_rc.cli.encode", "-", "-o", str(tmp_path / "o.webm"), "--json"]
    done = subprocess.run(
        [*words, "--bitrate", "80k"], input=clip.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 4


@pytest.mark.parametrize("candidates", [1, 2])
def test_no_training_code_is_loaded(make_clip: MakeClip, tmp_path: Path, candidates: int) -> None:
    code = (
        "import sys\nfrom muzero_rc.cli.encode import main\n"
        "status = main(sys.argv[1:])\n"
        "print('modules', *sys.modules, file=sys.stderr)\nsys.exit(status)\n"
    )
    words = [make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--candidates", candidates]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "muzero_rc.encoding.file_encode" in loaded
    ours = {"agent", "config", "experience", "demonstrations", "acting", "distributed", "training", "reward"}
    theirs = {
        "jax",
        "haiku",
        "optax",
        "mctx",
        "reverb",
        "tensorflow",
        "safetensors",
        "cma",
        "matplotlib",
        "scipy",
    }
    packages = {f"muzero_rc.{name}" for name in ours} | theirs
    assert {name for name in loaded if any(f"{name}.".startswith(f"{p}.") for p in packages)} == set()
