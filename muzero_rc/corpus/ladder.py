"""Ladders: CSV files with five targets for each clip, beside the clips.

One row a clip: `name`, targets `kbps_1..N`, and what libvpx's constant-quality mode reached where the
targets come from: luma PSNR `psnr_y_1..N` at its exact rates `q_kbps_1..N`.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.errors import UserError

LADDER_CQ_LEVELS = (52, 44, 36, 28, 20)
LADDER_CPU_USED = 4


class LadderError(UserError):
    """A ladder file that cannot be used; the message says which line and why."""


@dataclass(frozen=True)
class Rungs:
    """One clip's row of a ladder, coarsest quantiser first.

    Attributes:
        name: the clip's file name without its ending.
        targets_kbps: whole kilobits a second.
        q_kbps: exact rates of libvpx's constant quality at `LADDER_CQ_LEVELS`.
        q_psnr_y_db: its luma PSNR at those rates.
    """

    name: str
    targets_kbps: tuple[int, ...]
    q_kbps: tuple[float, ...]
    q_psnr_y_db: tuple[float, ...]


def read_ladder(path: Path) -> dict[str, Rungs]:
    """Reads a ladder, by clip name.

    Raises:
        LadderError: the file is missing, or is not a ladder.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return _parse(path.name, csv.DictReader(file))
    except FileNotFoundError:
        raise LadderError(f"ladder {path} does not exist") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LadderError(f"ladder {path} cannot be read: {error}") from None


def _parse(file_name: str, reader: "csv.DictReader[str]") -> dict[str, Rungs]:
    columns = reader.fieldnames or ()
    count = sum(1 for column in columns if column.startswith("kbps_"))
    wanted = [f"{kind}_{i}" for kind in ("kbps", "psnr_y", "q_kbps") for i in range(1, count + 1)]
    missing = [column for column in ("name", *wanted) if column not in columns]
    if count == 0 or missing:
        raise LadderError(
            f"{file_name}: no ladder, the column {(missing or ['kbps_1'])[0]} is missing; "
            "name, kbps_1…N, psnr_y_1…N and q_kbps_1…N are needed"
        )
    rows: dict[str, Rungs] = {}
    for row in reader:
        where = f"{file_name}, line {reader.line_num}"
        name = (row["name"] or "").strip()
        if not name or name in rows:
            raise LadderError(f"{where}: the name {name!r} is {'there twice' if name else 'empty'}")
        targets = tuple(_numbers(where, row, "kbps", count))
        if any(target != int(target) for target in targets):
            raise LadderError(f"{where}: targets must be whole kbps, not {targets}")
        q_kbps, q_psnr = (tuple(_numbers(where, row, kind, count)) for kind in ("q_kbps", "psnr_y"))
        rows[name] = Rungs(name, tuple(int(target) for target in targets), q_kbps, q_psnr)
    if not rows:
        raise LadderError(f"{file_name}: the ladder has no clips")
    return rows


def _numbers(where: str, row: dict[str, str], kind: str, count: int) -> Iterator[float]:
    for i in range(1, count + 1):
        text = row[f"{kind}_{i}"]
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise LadderError(f"{where}: {kind}_{i} is {text!r}, a number above 0 is needed")
        yield value
