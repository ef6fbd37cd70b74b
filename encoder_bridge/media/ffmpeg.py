"""ffmpeg and ffprobe as subprocesses, and their complaints in one line."""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from encoder_bridge.errors import EncodeFailed, ToolMissing

_NO_MEMORY = re.compile(
    r"cannot allocate memory|out of memory|failed to map segment|cannot create thread|"
    r"resource temporarily unavailable|error while loading shared libraries",
    re.IGNORECASE,
)


def program(name: str) -> str:
    """The full path of ffmpeg or ffprobe.

    Raises:
        ToolMissing: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not installed: install ffmpeg (Debian: apt install ffmpeg)")
    return found


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
def every_frame_once(ffmpeg: str) -> tuple[str, str]:
    """The option that keeps ffmpeg from dropping or doubling frames; its name changed in 5.1."""
    banner = subprocess.run([ffmpeg, "-version"], check=False, capture_output=True, text=True).stdout
    version = re.match(r"ffmpeg version n?(\d+)\.(\d+)", banner)
    if version and (int(version[1]), int(version[2])) < (5, 1):
        return "-vsync", "passthrough"
    return "-fps_mode", "passthrough"
