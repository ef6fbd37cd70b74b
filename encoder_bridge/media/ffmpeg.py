"""ffmpeg and ffprobe as subprocesses, and their complaints in one line."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import ffmpeg

from encoder_bridge.errors import EncodeFailed, ToolMissing

_NO_MEMORY = re.compile(
    r"cannot allocate memory|out of memory|failed to map segment|cannot create thread|"
    r"resource temporarily unavailable|error while loading shared libraries",
    re.IGNORECASE,
)


_HOW_TO_INSTALL = "apt install ffmpeg, or pip install 'muzero-rc[av]'"


def program(name: str) -> str:
    """The full path of a program: the system's; of ffmpeg, where there is none, imageio-ffmpeg's.

    Raises:
        ToolMissing: it is not installed.
    """
    found = shutil.which(name) or (_wheels_ffmpeg() if name == "ffmpeg" else None)
    if found is None:
        raise ToolMissing(f"{name} is not installed: {_HOW_TO_INSTALL}")
    return found


@lru_cache(maxsize=1)
def _wheels_ffmpeg() -> str | None:
    """The one in imageio-ffmpeg's wheel."""
    try:
        import imageio_ffmpeg  # slow to import

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def ffprobe() -> list[str]:
    """The words that start ffprobe: the system's, else ours over PyAV.

    Raises:
        ToolMissing: neither is installed.
    """
    found = shutil.which("ffprobe")
    if found is not None:
        return [found]
    if find_spec("av") is None:
        raise ToolMissing(f"ffprobe is not installed: {_HOW_TO_INSTALL}")
    return [sys.executable, "-P", "-m", "encoder_bridge.media.pyav_probe"]  # -P: not what lies around here


class ProbeError(Exception):
    """ffprobe does not read a file; the message is all that it said."""


def describe(path: Path, options: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """What ffprobe says of a file's format, streams and chapters.

    Args:
        path: of the file.
        options: of ffprobe, before the file's name.

    Raises:
        ProbeError: it does not read the file.
        ToolMissing: there is no ffprobe.
    """
    said = {**dict(options), "v": "error", "show_chapters": None}
    command = ffprobe()
    try:
        if len(command) == 1:
            answer: dict[str, Any] = ffmpeg.probe(as_url(path), cmd=command[0], **said)
        else:
            answer = json.loads(_pyav_probe(command, said, as_url(path)))
    except ffmpeg.Error as error:
        raise ProbeError(error.stderr.decode(errors="replace")) from None
    except json.JSONDecodeError:
        raise ProbeError("") from None
    return answer


def _pyav_probe(command: Sequence[str], said: Mapping[str, str | None], url: str) -> bytes:
    """As `ffmpeg.probe` calls ffprobe, which knows programs of one word only."""
    words = [word for name, value in said.items() for word in (f"-{name}", value) if word is not None]
    words = [*command, "-show_format", "-show_streams", "-of", "json", *words, url]
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise ffmpeg.Error("ffprobe", done.stdout, done.stderr)
    return done.stdout


def as_url(path: Path) -> str:
    """`path` as ffmpeg takes it: no leading dash, no colon is special behind `file:`."""
    return f"file:{path}"


def last_complaint(stderr: str) -> str:
    """The line of ffmpeg's stderr that says most, without addresses and file names' noise."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if not lines:
        return "ffmpeg gave no reason"
    line = re.sub(r"^(\[[^\]]*\] ?)+", "", lines[-1])
    return line.rsplit(": ", 1)[-1] if "file:" in line else line


def check_memory(name: str, status: int, stderr: str) -> None:
    """Tells a program that had no memory from one that was given bad input.

    Args:
        name: of the program.
        status: its exit status; negative for the signal that ended it.
        stderr: what it said.

    Raises:
        EncodeFailed: it ran out of memory, or was killed.
    """
    if status == -signal.SIGKILL or (status != 0 and _NO_MEMORY.search(stderr)):
        raise EncodeFailed(f"{name} ran out of memory: raise the limit (ulimit -v), or free some")
    if status < 0:
        raise EncodeFailed(f"{name} crashed ({signal.Signals(-status).name})")


@contextmanager
def running(
    arguments: Sequence[str], *, stdout: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Starts a program, gives it and the file that takes its stderr; kills it on the way out.

    stderr goes to a file because a pipe that nobody reads would stop the program.
    """
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        try:
            yield process, stderr
        finally:
            if process.stdout is not None:
                process.stdout.close()
            if process.poll() is None:
                process.kill()
            process.wait()


def complaints(stderr: IO[bytes]) -> str:
    """All that was written to a `running` program's stderr so far."""
    stderr.seek(0)
    return stderr.read().decode(errors="replace")


def run(arguments: Sequence[str], **options: Any) -> tuple[int, str]:
    """Runs a program to its end; gives its exit status and stderr."""
    done = subprocess.run(
        arguments,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **options,
    )
    return done.returncode, done.stderr.decode(errors="replace")


@lru_cache(maxsize=8)
def _banner(ffmpeg: str) -> str:
    """What it says of its versions."""
    return subprocess.run([ffmpeg, "-version"], check=False, capture_output=True, text=True).stdout


def counts_codec_delay(ffmpeg: str) -> bool:
    """Whether its Matroska muxer moves sound by what the file says that players take off again.

    Before 6.0 it wrote the codec's delay into the file, and the times as if there were none.
    """
    version = re.search(r"^libavformat +(\d+)\.", _banner(ffmpeg), re.MULTILINE)
    return version is None or int(version[1]) >= 60


def every_frame_once(ffmpeg: str) -> tuple[str, str]:
    """The option that keeps ffmpeg from dropping or doubling frames; its name changed in 5.1."""
    version = re.match(r"ffmpeg version n?(\d+)\.(\d+)", _banner(ffmpeg))
    if version and (int(version[1]), int(version[2])) < (5, 1):
        return "-vsync", "passthrough"
    return "-fps_mode", "passthrough"
