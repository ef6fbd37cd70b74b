"""Atomic writes: a file appears under its name when it is whole and on the disk, or not at all."""

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from encoder_bridge.errors import BadInput

_PARTIAL = ".partial-muzero-rc-"
_LEFT_S = 60.0
"""A partial file that nobody locks is left behind; a new one is locked in less time."""
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def output_file(path: Path) -> Path:
    """Where writing to `path` ends up: `path` itself, or what a symbolic link points to.

    Raises:
        BadInput: there is something that is no regular file, or a link to nothing.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise BadInput(f"{path} is a link to nothing: name a file") from None
        return path
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise BadInput(f"{path} is {kind}: name a file")
    return path.resolve() if path.is_symlink() else path


@contextmanager
def whole_file(path: Path, *, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yields a temporary path; on leaving without an error it becomes `path`, checked and on the disk.

    The temporary file lies in the folder of `path`, which is the caller's to make. After an error, Ctrl-C
    included, it is gone and an older `path` is as it was; what a kill -9 leaves is removed by the next write
    into the same folder. A symbolic link stays one: its target is written.

    Args:
        path: the file to write.
        check: reads the temporary file back before the rename, and raises where it is not what it should be.

    Raises:
        BadInput: `path` is no regular file; see `output_file`.
        OSError: the disk is full, or fails otherwise.
    """
    path = output_file(path)
    _remove_leftovers(path.parent)
    handle, name = tempfile.mkstemp(prefix=_PARTIAL, suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp's files are private
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    with suppress(OSError):  # the file is whole; not every file system lets its folders be synced
        _sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data`, whole or not at all; raises as `whole_file`."""

    def check(written: Path) -> None:
        size = written.stat().st_size
        if size != len(data):
            raise OSError(f"{path} could not be written: {size} of {len(data)} bytes are there")

    with whole_file(path, check=check) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all; raises as `whole_file`."""
    write_bytes(path, text.encode())


def _remove_leftovers(folder: Path) -> None:
    """Partial files whose writer is gone, and its lock with it."""
    for path in folder.glob(f"{_PARTIAL}*"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - path.stat().st_mtime > _LEFT_S:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
