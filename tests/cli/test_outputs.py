"""Where rc-encode writes: containers by suffix, stdout, the null device; nothing half-written."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.failing_writes import fail_every_write

from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]
MUXERS = {"webm": "matroska,webm", "mkv": "matroska,webm", "mp4": "mov,mp4,m4a,3gp,3g2,mj2"}
COMMAND = [sys.executable, "-m", "muzero_rc.cli.encode"]


def ffprobe(path: Path | str, **options: Any) -> dict[str, Any]:
    words = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    return dict(json.loads(subprocess.run(words, capture_output=True, check=True, **options).stdout))


@pytest.mark.parametrize("suffix", MUXERS)
def test_the_suffix_names_the_container(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"o.{suffix}"
    ran = invoke(main, make_clip(suffix=".mp4", audio=True), "-o", output, "--bitrate", "80k")
    assert ran.status == 0, ran.err
    found = ffprobe(output)
    assert found["format"]["format_name"] == MUXERS[suffix]
    audio = "opus" if suffix == "webm" else "aac"
    assert [stream["codec_name"] for stream in found["streams"]] == ["vp9", audio]
    doctype = output.read_bytes()[:64]
    assert (b"webm" in doctype, b"matroska" in doctype) == (suffix == "webm", suffix == "mkv")


@pytest.mark.parametrize("name", ["o.avi", "o", "o.webm.part", "o.MOV"])
def test_other_suffixes_are_refused_with_those_there_are(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, name: str
) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / name, "--bitrate", "80k")
    assert ran.status == 2
    assert ".webm, .mkv, .mp4" in ran.err and "--format" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_format_overrides_the_suffix(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.bin", "--bitrate", "80k", "--format", "mp4")
    assert ran.status == 0, ran.err
    assert ffprobe(tmp_path / "o.bin")["format"]["format_name"] == MUXERS["mp4"]


@pytest.mark.parametrize("words", [[], ["--format", "mkv"]])
def test_a_dash_is_stdout(make_clip: MakeClip, tmp_path: Path, words: list[str]) -> None:
    command = [*COMMAND, str(make_clip()), "-o", "-", "--bitrate", "80k", *words]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ffprobe("-", input=done.stdout)["streams"][0]["codec_name"] == "vp9"
    assert done.stdout.startswith(b"\x1a\x45\xdf\xa3")
    assert done.stderr.startswith(b"-: 12 frames") and done.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_stdout_has_the_bytes_of_the_file(make_clip: MakeClip, tmp_path: Path) -> None:
    command = [*COMMAND, str(make_clip()), "--bitrate", "80k", "--refill", "never", "-o"]
    piped, _ = [
        subprocess.run([*command, output], capture_output=True, check=True, cwd=tmp_path).stdout
        for output in ("-", "o.webm")
    ]
    assert piped == (tmp_path / "o.webm").read_bytes()


def test_the_null_device_drops_the_output(invoke: Any, make_clip: MakeClip) -> None:
    ran = invoke(main, make_clip(), "-o", "/dev/null", "--bitrate", "80k", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["file_bytes"] > 500
    assert Path("/dev/null").is_char_device()


def test_other_devices_stay_refused(invoke: Any, make_clip: MakeClip) -> None:
    ran = invoke(main, make_clip(), "-o", "/dev/full", "--bitrate", "80k", "--force")
    assert (ran.status, ran.err) == (2, "rc-encode: /dev/full is a device: name a file\n")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_whichever_write_fails_the_old_file_stays(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, suffix: str
) -> None:
    clip, output, good = make_clip(frames=4), tmp_path / "disk" / f"o.{suffix}", tmp_path / f"good.{suffix}"
    output.parent.mkdir()
    words = [clip, "--bitrate", "80k", "--cpu-used", "5", "--force"]
    assert invoke(main, *words, "-o", good).status == 0  # and now its first pass is in the cache

    def check(done: subprocess.CompletedProcess[str]) -> None:
        assert {path.name for path in output.parent.iterdir()} == {output.name}
        if done.returncode == 0:  # the folder's fsync, after the rename
            assert output.read_bytes() == good.read_bytes()
            return
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("rc-encode: ")
        assert output.read_text() == "the old one"

    done = fail_every_write(
        [*COMMAND, *words, "-o", output],
        output.parent,
        check,
        before=lambda: output.write_text("the old one"),
        full=True,
    )
    assert done.returncode == 0 and output.read_bytes() == good.read_bytes()


def test_a_kill_leaves_the_old_file_and_no_packets(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    output, fifo = tmp_path / "o.webm", tmp_path / "in.y4m"
    output.write_text("the old one")
    os.mkfifo(fifo)
    command = [*COMMAND, str(fifo), "-o", str(output), "--bitrate", "80k", "--force"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    with fifo.open("wb") as pipe:  # it reads, and has its scratch files
        pipe.write(make_clip(suffix=".y4m").read_bytes()[:5000])
        pipe.flush()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert output.read_text() == "the old one"
    assert list(scratch.iterdir()) == []
