"""Outputs: a file that appears when it is whole, stdout, or nothing at all."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.atomic_file import output_file, whole_file
from encoder_bridge.errors import BadInput
from encoder_bridge.media.containers import WEBM, Container, container_of
from encoder_bridge.media.scratch import scratch_file

STDOUT = "-"
"""The name of stdout on a command line."""


@dataclass(frozen=True)
class Output:
    """Where an encode goes.

    Attributes:
        name: as people gave it.
        path: the file; None for stdout and for /dev/null.
        container: what it is written as.
    """

    name: str
    path: Path | None
    container: Container

    @property
    def is_stdout(self) -> bool:
        """Goes to stdout, so that nothing else may be printed there."""
        return self.name == STDOUT


def check_output(
    name: str | Path, *, source: Path | None = None, force: bool = False, container: str | None = None
) -> Output:
    """Says in words when `name` cannot become an output.

    Args:
        name: a file, "-" for stdout, or the null device, which drops what is made.
        source: the input, which an output must not be.
        force: an output may exist already.
        container: "webm", "mkv" or "mp4"; None takes what the file's suffix says, WebM without a file.

    Raises:
        BadInput: the folder is missing or closed, the path exists and not `force`, it is the source, no
            regular file (see `output_file`), or its suffix is none of ours.
    """
    if str(name) == STDOUT and sys.stdout.isatty():
        raise BadInput("stdout is a terminal: redirect it into a file or a pipe")
    if str(name) == STDOUT or _is_null_device(Path(name)):
        return Output(str(name), None, WEBM if container is None else container_of(Path("-"), container))
    path = Path(name).absolute()
    folder = path.parent
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: make it before writing {path.name} there")
    folder = output_file(path).parent
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise BadInput(f"{path} is the input: name another output")
    kind = container_of(path, container)
    if path.exists() and not force:
        raise BadInput(f"{path} exists: use --force to replace it")
    if not os.access(folder, os.W_OK):
        raise BadInput(f"{folder} cannot be written to")
    return Output(str(path), path, kind)


@contextmanager
def open_output(output: Output, *, check: Callable[[Path], None]) -> Iterator[Path]:
    """Yields a temporary path; on leaving without an error it is checked and becomes the output.

    A file appears under its name by one rename; stdout gets all of it in one go; for the null device it
    is dropped.

    Raises:
        OSError: the disk is full, stdout is closed, or they fail otherwise.
        Whatever `check` raises.
    """
    if output.path is not None:
        with whole_file(output.path, check=check) as temporary:
            yield temporary
        return
    with scratch_file(f".{output.container.suffix}") as (_, temporary):
        yield temporary
        check(temporary)
        if output.is_stdout:
            with temporary.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()


def _is_null_device(path: Path) -> bool:
    try:
        return path.samefile(os.devnull)
    except OSError:
        return False
