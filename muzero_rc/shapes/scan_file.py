"""Scan files: a line of JSON for each encode of a shape scan, added as encodes end."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.media.decode import content_digest
from muzero_rc.corpus.cache_key import digest
from muzero_rc.errors import RunError

COLUMNS = ("frame_type", "layer", "show_index", "gop_index", "qindex", "bits")
"""Kept of each coded frame."""
FIELDS = ("clip", "kbps_asked", "trial", "kbps", "psnr_y_db", "db_per_percent", "frames", "frame_psnr")
"""That every row has; it may have others."""


def clip_hash(paths: Sequence[Path], changes: str = "") -> str:
    """Names the content of a clip, whatever its files are called.

    Raises:
      OSError: a file cannot be read.
    """
    return digest(*(content_digest(path) for path in paths), changes)


def by_objective(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row whose quality is what its scan was measured by, in place of PSNR.

    Other metrics are known of whole encodes alone, so all frames are moved by as much.
    """
    if "quality_db" not in row:
        return row
    frame_psnr = np.array(row["frame_psnr"])
    moved = (frame_psnr + row["quality_db"] - frame_psnr.mean()).tolist()
    return {**row, "psnr_y_db": row["quality_db"], "frame_psnr": moved}


def read_rows(
    path: Path, fields: Sequence[str] = FIELDS, kind: str = "shape scan"
) -> Iterator[dict[str, Any]]:
    """The rows of a scan file. A last line that is torn is left out: the scan was killed while writing it.

    Args:
      path: of the file.
      fields: that every row must have.
      kind: of the scan, in words.

    Raises:
      RunError: the file cannot be read, or holds something else.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    for number, line in enumerate(lines[:-1], 1):  # what follows the last newline is nothing, or torn
        if line:
            yield _row(path, number, line, fields, kind)


def _row(path: Path, number: int, line: bytes, fields: Sequence[str], kind: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or any(name not in row for name in fields):
        raise RunError(f"{path}, line {number}: no row of a {kind}")
    return row


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds a row, after cutting off a line that a kill left torn.

    Raises:
      OSError: the disk is full, or fails otherwise.
    """
    with path.open("a+b") as file:
        end = file.seek(0, 2)
        if end and _last_byte(file, end) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(row).encode() + b"\n")


def _last_byte(file: Any, end: int) -> bytes:
    file.seek(end - 1)
    return bytes(file.read(1))
