"""Scratch files: temporary files that have no name, so that nothing is left of them, whatever ends us.

A program that we start opens one through /proc, by the number that it has in this process.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NUMBERED = Path("/proc/self/fd")


@contextmanager
def scratch_file(suffix: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A file to write, and a path under which programs of ours read it until the context ends.

    Where there is no /proc it has a name with this `suffix`, which only a kill -9 leaves behind.

    Raises:
        OSError: the disk is full, or fails otherwise.
    """
    if _NUMBERED.is_dir():
        with tempfile.TemporaryFile(prefix="muzero-rc-") as file:
            yield file, Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile(prefix="muzero-rc-", suffix=suffix) as named:
            yield named.file, Path(named.name)
