"""rc-encode on disks that fail or are full: the whole output or the old one, and a word about it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.failing_writes import fail_every_write

from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]
SIZES = ("4k", "8k", "16k", "24k", "32k", "48k", "64k", "96k", "128k", "192k", "256k", "512k")


def words(clip: Path, output: Path, bitrate: str = "80k") -> list[str | Path]:
    return [clip, "-o", output, "--bitrate", bitrate, "--cpu-used", "5", "--force"]


def command(clip: Path, output: Path, *more: str) -> list[str | Path]:
    return [sys.executable, "-m", "muzero_rc.cli.encode", *words(clip, output), *more]


@pytest.mark.parametrize(
    ("full", "more"),
    [(False, ()), (True, ()), (True, ("--effort", "2"))],
    ids=["one write fails", "full from there on", "full from there on, with rehearsals"],
)
def test_whichever_write_fails_the_output_is_whole_or_the_old_one(
    invoke: Any,
    make_clip: MakeClip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    more: tuple[str, ...],
) -> None:
    clip = make_clip(suffix=".mp4", audio=True)
    disk, scratch = tmp_path / "disk", tmp_path / "scratch"
    for folder in (disk, scratch):
        folder.mkdir()
    output, good = disk / "o.webm", tmp_path / "good.webm"
    assert invoke(main, *words(clip, good), *more).status == 0  # and now its first pass is in the cache
    monkeypatch.setenv("TMPDIR", str(scratch))
    refused = []

    def check(done: subprocess.CompletedProcess[str]) -> None:
        assert {path.name for path in disk.iterdir()} == {"o.webm"}
        assert not list(scratch.iterdir())
        if done.returncode == 0:  # the folder's fsync, after the rename: not every file system has it
            assert output.read_bytes() == good.read_bytes()
            return
        refused.append(done)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("rc-encode: ")
        assert output.read_text() == "the old one"

    done = fail_every_write(
        command(clip, output, *more),
        [disk, scratch],
        check,
        before=lambda: output.write_text("the old one"),
        full=full,
    )
    assert done.returncode == 0 and output.read_bytes() == good.read_bytes()
    assert len(refused) >= 5  # packets, the muxer's writes, fsync, rename


def test_whichever_write_of_the_cache_fails_the_encode_goes_on(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, output, good = make_clip(), tmp_path / "o.webm", tmp_path / "good.webm"
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    assert invoke(main, *words(clip, good)).status == 0
    (entry,) = [path for path in cache.rglob("*") if path.is_file()]
    whole = entry.read_bytes()

    def check(done: subprocess.CompletedProcess[str]) -> None:
        assert (done.returncode, done.stderr) == (0, "")
        assert output.read_bytes() == good.read_bytes()
        assert [path.read_bytes() for path in cache.rglob("*") if path.is_file()] in ([], [whole])

    fail_every_write(
        command(clip, output), cache, check, before=lambda: entry.unlink(missing_ok=True), full=True
    )
    assert entry.read_bytes() == whole


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of so many bytes; skips the test where there can be none."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", SIZES)
def test_a_small_file_system_keeps_the_old_file(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, size: str
) -> None:
    clip = make_clip("640x360", 8, noise=100)  # 600 kB, in one cluster that is written at the end
    with small_disk(tmp_path / "disk", size) as disk:
        output = disk / "o.webm"
        output.write_text("the old one")
        ran = invoke(main, *words(clip, output, "20M"))
        assert ran.status == 1
        assert ran.err.count("\n") == 1
        assert ran.err.endswith("could not be written: No space left on device\n")
        assert [path.name for path in disk.iterdir()] == ["o.webm"]
        assert output.read_text() == "the old one"
