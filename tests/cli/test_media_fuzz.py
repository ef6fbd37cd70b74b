"""Damaged files of every kind: rc-encode encodes or refuses them, soon, and leaves nothing behind."""

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main

MUTATIONS, HANG_S = 25, 60.0
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440")
CONTAINERS: dict[str, tuple[str, ...]] = {
    "mp4": (*SOUND, "-c:v", "libx264", "-bf", "2", "-c:a", "aac", "-movflags", "+faststart"),
    "mov": ("-c:v", "mjpeg"),
    "mkv": (*SOUND, "-c:v", "libx264", "-c:a", "flac"),
    "webm": (*SOUND, "-c:v", "libvpx", "-c:a", "libopus"),
    "avi": (*SOUND, "-c:v", "mpeg4", "-c:a", "mp2"),
    "ts": (*SOUND, "-c:v", "libx264", "-c:a", "mp2"),
    "mpg": (
        "-c:v",
        "mpeg2video",
    ),
    "flv": ("-c:v", "flv"),
    "wmv": (*SOUND, "-c:v", "wmv2", "-c:a", "wmav2"),
    "nut": ("-c:v", "ffv1"),
    "gif": (),
    "y4m": (),
}
# Answers each line, the words of a command, with its exit status and what it printed.
ENCODER = """
import contextlib, io, json, sys, traceback
from muzero_rc.cli.encode import main
for line in sys.stdin:
    out, err, status = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(json.loads(line))
        except SystemExit as ended:
            status = ended.code
        except BaseException:
            traceback.print_exc()
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""


class Encoder:
    """rc-encode in a process that serves many commands, with a deadline for each."""

    def __init__(self, scratch: Path) -> None:
        self._environment = {**os.environ, "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(scratch / "cache")}
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, words: list[str]) -> tuple[Any, str, str]:
        """Exit status ("hung" or "crashed" where there is none), stdout, stderr."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", ENCODER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], HANG_S)
        line = self._process.stdout.readline() if ready else b""
        if line:
            status, out, err = json.loads(line)
            return status, out, err
        self.close()
        return "crashed" if ready else "hung", "", ""

    def close(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def encoder(tmp_path: Path) -> Iterator[Encoder]:
    (tmp_path / "scratch").mkdir()
    started = Encoder(tmp_path / "scratch")
    yield started
    started.close()


def make_original(path: Path, options: tuple[str, ...]) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=48x32:rate=25"]
    command += [*options, "-t", "0.4", "-pix_fmt", "yuvj420p" if "mjpeg" in options else "yuv420p"]
    if path.suffix == ".gif":
        command = command[:-2]
    subprocess.run([*command, str(path)], check=True)


def mutated(data: bytes, seed: str) -> bytes:
    """Some bytes damaged, more of them near the head; sometimes a piece lost, doubled or moved."""
    draw, damaged = random.Random(seed), bytearray(data)
    for _ in range(draw.randint(1, 6)):
        reach = min(len(damaged), draw.choice((64, 1024, len(damaged))))
        at, size = draw.randrange(reach), draw.choice((1, 1, 2, 4, 16, 200))
        kind = draw.randrange(7)
        if kind == 0:
            damaged[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            damaged[at : at + size] = draw.randbytes(size)
        elif kind == 2:
            damaged[at : at + size] = bytes((draw.choice((0, 0x7F, 0x80, 0xFF)),)) * size
        elif kind == 3:
            del damaged[at : at + size]
        elif kind == 4:
            damaged[at:at] = damaged[at : at + size]
        elif kind == 5:
            other = draw.randrange(len(damaged))
            damaged[at : at + size] = damaged[other : other + size]
        elif draw.random() < 0.3:
            del damaged[draw.randrange(1, len(damaged)) :]
        if not damaged:
            return b"\0"
    return bytes(damaged)


def frames_in(path: Path) -> int:
    words = ("-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames")
    done = subprocess.run(
        ["ffprobe", *words, "-of", "csv=p=0", str(path)], check=True, capture_output=True, text=True
    )
    return int(done.stdout.strip().strip(","))


def complaint(encoder: Encoder, source: Path, output: Path, scratch: Path) -> str:
    """What is wrong with how a damaged file is taken; "" for nothing."""
    words = [str(source), "-o", str(output), "--bitrate", "60k", "--cpu-used", "5", "--json"]
    status, out, err = encoder.run([*words, "--refill", "never"])
    left = [path.name for path in [*scratch.iterdir(), *output.parent.iterdir()]]
    left = [name for name in left if name not in ("cache", output.name)]
    if left:
        return f"left behind: {left}"
    if status not in (0, 2) or "Traceback" in err:
        return f"status {status}: {err[-300:]}"
    if status == 2:
        return "there is an output of a refused file" if output.exists() else ""
    said, found = json.loads(out)["frames"], frames_in(output)
    output.unlink()
    return "" if said == found else f"{found} frames, not {said}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONTAINERS)
def test_damaged_files_are_encoded_or_refused(encoder: Encoder, tmp_path: Path, kind: str) -> None:
    original, source = tmp_path / f"original.{kind}", tmp_path / f"damaged.{kind}"
    make_original(original, CONTAINERS[kind])
    data = original.read_bytes()
    (tmp_path / "out").mkdir()
    wrong = {}
    for number in range(-1, MUTATIONS):
        seed = f"{kind} {number}"
        source.write_bytes(data if number < 0 else mutated(data, seed))
        found = complaint(encoder, source, tmp_path / "out" / "o.webm", tmp_path / "scratch")
        if found:
            wrong[seed] = found
    assert not wrong, "\n".join(f"{seed}: {what}" for seed, what in wrong.items())


KILLED_WHILE_MUXING = """
import os, signal, sys
from encoder_bridge.media import mux
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
mux._Muxer._run = killed
from muzero_rc.cli.encode import main
main(sys.argv[1:])
"""


def test_what_a_kill_leaves_is_removed_by_the_next_run(
    invoke: Any, make_clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, folder = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    words = [str(make_clip()), "-o", str(folder / "o.webm"), "--bitrate", "80k", "--cpu-used", "5"]
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_MUXING, *words], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [*scratch.iterdir()] == []  # scratch files have no names
    (partial,) = folder.iterdir()
    assert partial.name.startswith(".partial-")
    age_s = partial.stat().st_mtime - 120
    os.utime(partial, (age_s, age_s))
    assert invoke(main, *words).status == 0
    assert [path.name for path in folder.iterdir()] == ["o.webm"]
