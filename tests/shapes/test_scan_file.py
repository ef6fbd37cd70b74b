"""Scan files: a line that a kill left torn costs that line alone."""

import json

import pytest

from muzero_rc.errors import RunError
from muzero_rc.shapes.scan_file import FIELDS, append_row, read_rows

ROW = dict.fromkeys(FIELDS, 1)


@pytest.mark.parametrize("torn", ["", "{", '{"clip": 1', json.dumps(ROW), "\udcff"])
def test_a_torn_line_is_left_out_and_written_over(tmp_path, torn):
    path = tmp_path / "scans.jsonl"
    append_row(path, ROW)
    with path.open("a", errors="surrogateescape") as file:
        file.write(torn)
    assert list(read_rows(path)) == [ROW]
    append_row(path, ROW | {"clip": 2})
    assert [row["clip"] for row in read_rows(path)] == [1, 2]
    assert path.read_text().count("\n") == 2


@pytest.mark.parametrize("line", ["{}", "[1]", "no JSON", json.dumps({**ROW, "kbps": 1})[:-3]])
def test_what_is_no_scan_is_refused(tmp_path, line):
    path = tmp_path / "scans.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(RunError, match=r"scans.jsonl, line 2: no row of a shape scan"):
        list(read_rows(path))
    with pytest.raises(RunError, match=r"none.jsonl cannot be read: no such file"):
        list(read_rows(tmp_path / "none.jsonl"))
