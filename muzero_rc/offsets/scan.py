"""Scans of designs: one encode each, as a policy of its moves makes it, guard and all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.offsets.designs import Design
from muzero_rc.offsets.policy import moved_policy
from muzero_rc.shapes.scan import targets_of
from muzero_rc.shapes.scan_file import append_row, read_rows

Row = dict[str, Any]
FIELDS = ("round", "number", "clip", "place", "moves", "gain")
_CLIPS_AT_ONCE = 16


def scan_designs(
    store: ClipStore,
    instances: Sequence[Instance],
    designs: Sequence[Design],
    round_number: int,
    path: Path,
    *,
    shapes: Path | None,
    report: Callable[[str], None],
) -> list[Row]:
    """Adds to a file what is missing in it, a row an encode, as encodes end; returns the round's rows.

    Args:
      store: prepares clips, a few at a time, and encodes them.
      instances: the clips.
      designs: of the round.
      round_number: names it in the rows.
      path: of the file; there may be none yet.
      shapes: a policy of GOP shapes that decides them in every encode; None: libvpx's own.
      report: is told how far it is.

    Raises:
      RunError: the file holds something else.
      OSError: it cannot be written.
    """
    rows = [row for row in read_designs(path) if row["round"] == round_number]
    ended = {row["number"] for row in rows}
    for begin in range(0, len(instances), _CLIPS_AT_ONCE):
        some = instances[begin : begin + _CLIPS_AT_ONCE]
        names = {one.name for one in some}
        missing = [one for one in designs if one.clip in names and one.number not in ended]
        known = {one.name: one for one in (store.prepared(some) if missing else [])}
        jobs = (_job(store, known[one.clip], one, shapes) for one in missing if one.clip in known)
        for done in store.played(jobs):
            rows.append(_row(store, done, round_number))
            append_row(path, rows[-1])
        report(f"round {round_number}: {len(rows)} of {len(designs)} encodes")
    return sorted(rows, key=lambda row: int(row["number"]))


def read_designs(path: Path) -> Iterator[Row]:
    """The rows of a scan of designs; a last line that is torn is left out.

    Raises:
      RunError: the file holds something else.
    """
    if path.exists():
        yield from read_rows(path, FIELDS, "scan of offsets")


def _job(store: ClipStore, instance: Instance, design: Design, shapes: Path | None) -> Job:
    (kbps,) = targets_of(store, instance, [design.place])
    return store.job(
        f"{instance.name}, {kbps} kbps, design {design.number}",
        instance,
        kbps,
        mode="policy",
        policy=moved_policy(store.engine, design.moves, shapes),
        extra=(instance, design),
    )


def _row(store: ClipStore, done: BatchResult, round_number: int) -> Row:
    """What is kept; the gain is in per cent of rate over constant quality's curve, at the rate achieved."""
    instance, design = done.job.extra
    result, anchor = done.result, store.anchor(instance)
    gain_db = done.quality_db - anchor.psnr_at(result.kbps)
    moves: Mapping[str, float] = design.moves
    return {
        "round": round_number,
        "number": design.number,
        "clip": instance.name,
        "place": design.place,
        "kbps_asked": result.config.target_kbps,
        "moves": dict(moves),
        "kbps": result.kbps,
        "psnr_y_db": result.psnr_y_db,
        "quality_db": done.quality_db,
        "gain": anchor.percent_of(gain_db, result.kbps),
        "encode_s": result.encode_s,
    }
