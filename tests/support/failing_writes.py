"""A disk that fails at the n-th write, for every n: what is left behind must be whole or nothing.

`failing_writes.c` is compiled by the first test that wants it and preloaded into a program, and through
its environment into every program which that one starts (rc-encode and its ffmpeg, say). It counts the
calls that write below some folders (write, pwrite, writev, their kin, sendfile, fwrite, fsync, fdatasync,
rename; calls of all processes together, other files are not counted) and lets the n-th end with ENOSPC.
With `full`, the n-th write takes half of its bytes, and all later writes fail: a disk that is full. Without,
only that one call fails.

A command as a whole, with a new process for every n:

    from support.failing_writes import fail_every_write

    def test_a_full_disk_leaves_nothing(tmp_path):
        def check(done):  # after every run that a fault hit
            assert done.returncode == 1 and done.stderr.count("\\n") == 1
            assert list(tmp_path.iterdir()) == []

        done = fail_every_write([sys.executable, "-m", "muzero_rc.cli.report", …], tmp_path, check)
        assert done.returncode == 0  # the first run that nothing failed in

Something that is slow to import, with one process for all n: `code` runs under the shim and loops itself.

    run_with_faults('''
        from support.failing_writes import faults
        from muzero_rc.training.checkpoint import save
        for n in faults():           # 1, 2, … until nothing failed
            try:
                save(path, state)
            except OSError:
                pass
            assert loads(path)       # the old one or the new one
        ''', tmp_path)

Both skip the test where there is no C compiler.
"""

import itertools
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

_STATE = struct.Struct("=4Q")
"""nth, full, calls, faults: as in the C file."""
_MOST = 2000
"""Calls that no program of ours makes: something loops."""


def fail_every_write(
    command: Sequence[str | Path],
    folders: Path | Sequence[Path],
    check: Callable[[subprocess.CompletedProcess[str]], None],
    *,
    before: Callable[[], None] = lambda: None,
    full: bool = False,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `command` with its first write failing, then its second, … until none fails.

    Args:
        command: the program and its arguments.
        folders: the files that count are below these.
        check: called after every run that a fault hit.
        before: called before every run: the old file back, say.
        full: see the module.
        cwd: where the program runs.

    Returns:
        The run that no fault hit.
    """
    with tempfile.NamedTemporaryFile(prefix="faults-") as state:
        environment = _environment(folders, Path(state.name))
        for n in _faults(Path(state.name), full):
            before()
            done = subprocess.run(
                [*map(str, command)],
                capture_output=True,
                text=True,
                env=environment,
                cwd=cwd,
                check=False,
                timeout=300,
            )
            if _struck(Path(state.name)):
                try:
                    check(done)
                except AssertionError as error:
                    error.add_note(f"write {n} failed; status {done.returncode}; stderr:\n{done.stderr}")
                    raise
    assert n > 1, f"{command[0]} writes nothing below {folders}"
    return done


def run_with_faults(code: str, folders: Path | Sequence[Path]) -> None:
    """Runs Python `code`, which loops over `faults()`, under the shim; fails the test when it fails."""
    with tempfile.NamedTemporaryFile(prefix="faults-") as state:
        environment = _environment(folders, Path(state.name))
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        Path(state.name).write_bytes(_STATE.pack(0, 0, 0, 0))
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr


def faults(*, full: bool = False) -> Iterator[int]:
    """In a program under the shim: 1, 2, … with that write to fail, until one round has no fault.

    Between rounds and after the last nothing fails.
    """
    yield from _faults(Path(os.environ["MUZERO_RC_FAULT_STATE"]), full)


def _faults(state: Path, full: bool) -> Iterator[int]:
    for n in itertools.count(1):
        assert n < _MOST, "the program writes without end"
        _write_state(state, n, full)
        yield n
        struck = _struck(state)
        _write_state(state, 0, full)
        if not struck:
            return


def _write_state(path: Path, nth: int, full: bool) -> None:
    with path.open("r+b") as file:
        file.truncate(_STATE.size)
        with mmap.mmap(file.fileno(), _STATE.size) as state:
            state[:] = _STATE.pack(nth, full, 0, 0)


def _struck(path: Path) -> bool:
    return bool(_STATE.unpack(path.read_bytes())[3])


def _environment(folders: Path | Sequence[Path], state: Path) -> dict[str, str]:
    watched = [folders] if isinstance(folders, Path) else folders
    return os.environ | {
        "LD_PRELOAD": str(_shim()),
        "MUZERO_RC_FAULT_STATE": str(state),
        "MUZERO_RC_FAULT_FOLDERS": ":".join(str(folder.resolve()) for folder in watched),
    }


@lru_cache(maxsize=1)
def _shim() -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the failing writes with")
    source = Path(__file__).with_suffix(".c")
    library = Path(tempfile.mkdtemp(prefix="faults-")) / "failing_writes.so"
    subprocess.run(
        [compiler, "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True
    )
    return library
