"""The disk that fails: every write of a program and of its children, one after the other."""

import sys

import numpy as np
import pytest

from support.failing_writes import fail_every_write, run_with_faults

CHILD = "with open('two', 'w') as file: file.write('hello')"
WRITES = f"""
import os, subprocess, sys
with open("one", "wb", buffering=0) as file:
    file.write(b"12345678")
    os.fsync(file.fileno())
subprocess.run([sys.executable, "-c", {CHILD!r}], check=True, stderr=subprocess.DEVNULL)
os.rename("one", "three")
open(sys.argv[1], "w").write("not counted")
"""


@pytest.mark.parametrize("full", [False, True])
def test_each_write_of_a_program_and_its_child_fails_once(full, tmp_path):
    seen = []

    def check(done):
        assert done.returncode != 0
        seen.append({path.name: path.stat().st_size for path in (tmp_path / "disk").iterdir()})
        for path in (tmp_path / "disk").iterdir():
            path.unlink()

    (tmp_path / "disk").mkdir()
    command = [sys.executable, "-c", WRITES, str(tmp_path / "elsewhere")]
    done = fail_every_write(command, tmp_path / "disk", check, full=full, cwd=tmp_path / "disk")
    assert done.returncode == 0
    first = {"one": 4, "two": 0} if full else {"one": 0}  # Python's raw write takes half without a word
    cut = {"one": 8, "two": 2 if full else 5}  # closing a text file tries once more
    assert seen == [first, {"one": 8}, cut, {"one": 8, "two": 5}]


def test_one_process_can_meet_all_faults(tmp_path):
    run_with_faults(
        f"""
        import numpy as np
        from pathlib import Path
        from support.failing_writes import faults
        met = []
        for n in faults():
            try:
                np.zeros(8).tofile({str(tmp_path / "array")!r})
                Path({str(tmp_path / "text")!r}).write_text("x")
            except OSError as error:
                met.append(n)
        assert met == [1, 2], met
        """,
        tmp_path,
    )
    assert (np.fromfile(tmp_path / "array") == 0).all()
