"""Odd surroundings: closed and full streams, names that are no UTF-8, a missing libvpx; never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

MakeClip = Callable[..., Path]
COMMAND = (sys.executable, "-m", "muzero_rc.cli.encode")


def encode(
    *words: str | bytes | Path, redirect: str = "", setup: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """rc-encode, started by a shell that redirects its streams."""
    script = f'{setup}\nexec "$@" {redirect}'
    command: Sequence[str | bytes | Path] = ["sh", "-c", script, "sh", *COMMAND, *words]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, capture_output=True, check=False, env={**buffered, **(env or {})})
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("redirect", "status"),
    [("2>&-", 0), ("2>/dev/full", 0), ("<&-", 0), (">&-", 0), (">/dev/full", 1), (">/dev/full 2>&-", 1)],
)
def test_closed_and_full_streams(make_clip: MakeClip, tmp_path: Path, redirect: str, status: int) -> None:
    output = tmp_path / "o.webm"
    done = encode(make_clip(), "-o", output, "--bitrate", "80600", redirect=redirect)
    assert done.returncode == status, done.stderr
    assert output.read_bytes().startswith(b"\x1a\x45\xdf\xa3")
    if redirect == ">/dev/full":
        assert b"No space left" in done.stderr


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full"])
def test_a_refusal_without_a_stderr(tmp_path: Path, redirect: str) -> None:
    output = tmp_path / "o.webm"
    assert encode("nowhere.mkv", "-o", output, "--bitrate", "80k", redirect=redirect).returncode == 2
    assert encode("--no-such-option", redirect=redirect).returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_what_asks_for_words_fails_where_they_cannot_go(word: str) -> None:
    done = encode(word, redirect=">/dev/full")
    assert done.returncode == 1 and b"No space left" in done.stderr and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names_that_are_no_utf8(make_clip: MakeClip, tmp_path: Path, locale: str) -> None:
    folder = os.fsencode(tmp_path)
    source, output = folder + b"/in-\xff.mkv", folder + b"/out-\xfe\xe9.webm"
    policy = folder + b"/policy-\xff.safetensors"
    shipped = Path(__file__).parents[2] / "muzero_rc" / "policies" / "default.safetensors"
    for name, content in ((source, make_clip().read_bytes()), (policy, shipped.read_bytes())):
        Path(os.fsdecode(name)).write_bytes(content)
    words = ("-o", output, "--bitrate", "80k", "--json", "--policy", policy)
    done = encode(source, *words, env={"LC_ALL": locale, "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert os.fsencode(result["output"]) == output and Path(os.fsdecode(output)).exists()
    assert os.fsencode(result["input"]) == source
    refused = encode(folder + b"/none-\xff.mkv", *words)
    assert refused.returncode == 2 and refused.stderr.count(b"\n") == 1


def test_a_libvpx_that_cannot_be_loaded(make_clip: MakeClip, tmp_path: Path) -> None:
    bogus = tmp_path / "libvpx.so.7"
    bogus.write_text("no library")
    done = encode(make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", "--libvpx", bogus)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1 and b"libvpx" in done.stderr


@pytest.mark.parametrize("command", ["encode", "report", "train", "plugin"])
def test_versions(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"muzero_rc.cli.{command}", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"rc-{command} ") and ", libvpx " in done.stdout


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("/dev/zero", "/dev/zero is a device"),
        ("http://example.org/clip.mp4", "is a URL: download it first"),
        ("rtsp://example.org/1", "is a URL"),
        ("frames-%03d.png", "no such file"),
    ],
)
def test_inputs_that_are_no_files(tmp_path: Path, word: str, line: str) -> None:
    done = encode(word, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert done.returncode == 2 and line in done.stderr.decode()


def test_a_pipe_without_end_or_video(tmp_path: Path) -> None:
    command = f"yes | {' '.join(COMMAND)} - -o {tmp_path / 'o.webm'} --bitrate 80k"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == b"rc-encode: stdin holds no video that ffmpeg can read\n"


def test_a_memory_limit_is_no_bad_input(make_clip: MakeClip, tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "ffprobe").write_text('#!/bin/sh\nulimit -v 20000\nexec /usr/bin/env -i "$REAL" "$@"\n')
    real = subprocess.run(["which", "ffprobe"], capture_output=True, text=True, check=True).stdout.strip()
    (fake / "ffprobe").chmod(0o755)
    env = {"PATH": f"{fake}:{os.environ['PATH']}", "REAL": real}
    done = encode(make_clip(), "-o", tmp_path / "o.webm", "--bitrate", "80k", env=env)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count(b"\n") == 1 and b"out of memory" in done.stderr


def test_numbered_pictures(make_clip: MakeClip, tmp_path: Path) -> None:
    pictures = str(tmp_path / "img%03d.png")
    subprocess.run(["ffmpeg", "-v", "error", "-i", make_clip(frames=6), pictures], check=True)
    without = encode(pictures, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert without.returncode == 2 and b"--fps" in without.stderr
    done = encode(pictures, "--fps", "12", "-o", tmp_path / "o.webm", "--bitrate", "80k", "--json")
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["frames"], json.loads(done.stdout)["fps"]) == (6, 12)


def test_audio_that_ffmpeg_does_not_know_is_left_out_and_said(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(suffix=".mp4", audio=True)
    strange = tmp_path / "strange.mp4"
    strange.write_bytes(clip.read_bytes().replace(b"mp4a", b"xyzq").replace(b"esds", b"free"))
    done = encode(strange, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"rc-encode: note: not kept: audio track 1 (of a kind that ffmpeg does not know)\n"


def test_audio_that_cannot_be_decoded_is_left_out_and_said(make_clip: MakeClip, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.mkv", tmp_path / "broken.mkv"
    sound = ["-f", "lavfi", "-i", "sine=duration=0.2", "-c:v", "copy", "-c:a", "libopus"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", make_clip(frames=4), *sound, whole], check=True)
    broken.write_bytes(whole.read_bytes().replace(b"A_OPUS", b"A_AC3\0"))
    done = encode(broken, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"rc-encode: note: not kept: audio track 1 (ac3)\n"
