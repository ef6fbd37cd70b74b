"""Which libvpx a command takes, and what it says of one that it cannot take."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.made_up_libvpx import make_libvpx

from encoder_bridge import libvpx

COMMANDS = ("encode", "report", "train", "plugin")
NO_LIBVPX = {  # words of a command that would encode
    "encode": ("in.y4m", "-o", "out.webm", "--bitrate", "100k"),
    "report": (".", "-o", "report", "--bitrates", "10k,20k,30k,40k"),
    "train": ("smoke",),
    "train dataset": (".", "-o", "vp9/encode/x-v0"),
    "train run": (".", "--run-dir", "run"),
}


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    return make_libvpx(tmp_path, "v1.16.0", 39)


def said(command: str, *words: object, named: object = None) -> tuple[int, str, str]:
    """Status, stdout and stderr of a command in a process of its own; what it opens is never closed."""
    env = {name: value for name, value in os.environ.items() if name != libvpx.CHOICE}
    if named is not None:
        env[libvpx.CHOICE] = str(named)
    module, *verb = command.split()
    done = subprocess.run(
        [sys.executable, "-m", f"muzero_rc.cli.{module}", *verb, *map(str, words)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_version_says_which_libvpx_with_its_abis_and_path(newer: Path, command: str) -> None:
    status, out, err = said(command, "--version", named=newer)
    assert (status, err) == (0, "")
    facts = f"libvpx 1.16.0 (encoder ABI 39, external rate control ABI 12) {newer}"
    assert out.startswith(f"rc-{command} ") and out.rstrip().endswith(facts)


@pytest.mark.parametrize("command", ["encode", "report"])
def test_the_option_counts_more_than_the_environment_and_wherever_it_stands(
    newer: Path, command: str
) -> None:
    for words in (("--libvpx", newer, "--version"), ("--version", f"--libvpx={newer}")):
        status, out, _ = said(command, *words, named="/nowhere/libvpx.so")
        assert status == 0 and str(newer) in out


@pytest.mark.parametrize("command", NO_LIBVPX)
@pytest.mark.parametrize("option", [True, False])
def test_one_that_cannot_be_taken_is_one_line_and_status_2(
    tmp_path: Path, command: str, option: bool
) -> None:
    file = tmp_path / "libvpx.so"
    file.write_text("no library")
    words = (*NO_LIBVPX[command], *(("--libvpx", file) if option else ()))
    status, out, err = said(command, *words, named=None if option else file)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert str(file) in err
