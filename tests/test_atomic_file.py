"""Atomic writes: whole or nothing, whatever fails."""

import os
from pathlib import Path

import pytest
from support.failing_writes import run_with_faults

from encoder_bridge.atomic_file import whole_file, write_bytes, write_text


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.txt"
    with whole_file(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".txt")
        assert not path.exists()
        temporary.write_text("whole")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "whole"
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path, error):
    path = tmp_path / "out.txt"
    path.write_text("before")
    with pytest.raises(type(error)), whole_file(path) as temporary:
        temporary.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "before"


def test_what_does_not_pass_its_check_does_not_appear(tmp_path):
    def check(written):
        if written.read_text() != "good":
            raise ValueError("not good")

    path = tmp_path / "out.txt"
    with pytest.raises(ValueError, match="not good"), whole_file(path, check=check) as temporary:
        temporary.write_text("bad")
    assert list(tmp_path.iterdir()) == []
    with whole_file(path, check=check) as temporary:
        temporary.write_text("good")
    assert path.read_text() == "good"


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target.txt", tmp_path / "link.txt"
    target.write_text("before")
    link.symlink_to("elsewhere/target.txt")
    write_text(link, "after")
    assert link.is_symlink() and link.readlink() == Path("elsewhere/target.txt")
    assert target.read_text() == "after"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "elsewhere", target, link]


@pytest.mark.parametrize("full", [False, True])
def test_whichever_write_fails_the_old_file_or_the_new_one_is_there(tmp_path, full):
    """Only the folder's fsync may fail unsaid, after the rename: the new file is whole then."""
    path = tmp_path / "out.bin"
    write_bytes(path, b"before")
    run_with_faults(
        f"""
        from pathlib import Path
        from support.failing_writes import faults
        from encoder_bridge.atomic_file import write_bytes
        path, refused, rounds = Path({str(path)!r}), 0, 0
        for n in faults(full={full}):
            rounds += 1
            before = path.read_bytes()
            try:
                write_bytes(path, b"after " * n)
            except OSError:
                refused += 1
                assert path.read_bytes() == before, n
            else:
                assert path.read_bytes() == b"after " * n, n
            assert list(path.parent.iterdir()) == [path], n
        assert (refused, rounds) == (3, 5)  # write, fsync, rename; the folder's fsync; none
        """,
        tmp_path,
    )


def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(tmp_path):
    left, other, path = tmp_path / ".partial-muzero-rc-x.txt", tmp_path / ".partial-mine", tmp_path / "a.txt"
    left.touch()
    other.touch()
    for old in (left, other):
        os.utime(old, (0, 0))
    with whole_file(path) as writing:
        os.utime(writing, (0, 0))
        write_text(tmp_path / "b.txt", "b")
        assert writing.exists() and not left.exists()
        writing.write_text("a")
    assert {one.name for one in tmp_path.iterdir()} == {"a.txt", "b.txt", ".partial-mine"}
