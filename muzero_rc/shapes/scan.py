"""Shape scans: clips encoded under many sequences of GOP shapes, with the controller's qindexes.

On a libvpx whose alt-ref filter serves better at another strength, all are scanned at that strength, as a
policy of shapes then runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from encoder_bridge.media.psnr import psnr_db
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.gop_search import LONGEST
from muzero_rc.shapes.scan_file import COLUMNS, append_row, clip_hash, read_rows
from muzero_rc.shapes.trials import (
    TRIALS,
    Trial,
    gops_of,
    length_trials,
    with_strength,
)

LEAST_FRAMES = LONGEST + 2
"""Of a clip that tells lengths apart."""

Key = tuple[str, int, str]
"""Clip, target in kbps, trial."""


@dataclass(frozen=True)
class ScanPlan:
    """What is tried on every clip.

    Attributes:
      places: of the targets, between the lowest (0) and the highest (1) rate of the clip's constant-quality
        curve, on a log scale.
      trials: of a clip, by its instance's name and its frames.
    """

    places: Sequence[float]
    trials: Callable[[str, int], Iterator[Trial]] = length_trials


def scan(
    store: ClipStore,
    instances: Sequence[Instance],
    plan: ScanPlan,
    path: Path,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Adds to a scan file what is missing in it, a row an encode, as encodes end.

    Clips that cannot be used are in `store.failures` afterwards.

    Args:
      store: prepares clips, a few at a time, and encodes them.
      instances: to scan.
      plan: what is tried.
      path: of the scan file; there may be none yet.
      report: told how far it is, in words.

    Raises:
      RunError: the file holds something else.
      OSError: it cannot be written.
    """
    known = {}
    if path.exists():
        known = {(row["clip"], row["kbps_asked"], row["trial"]): row for row in read_rows(path)}
    at_once = max(1, 4 * store.farm.slots // TRIALS)
    for begin in range(0, len(instances), at_once):
        some = store.prepared(instances[begin : begin + at_once])
        usable = [one for one in some if _long_enough(store, one)]
        for done in store.played(_jobs(store, usable, plan, known)):
            append_row(path, row_of(store, done))
        report(f"{min(begin + at_once, len(instances))} of {len(instances)} clips scanned")


def _long_enough(store: ClipStore, instance: Instance) -> bool:
    frames = len(store.raw_clip(instance))
    if frames < LEAST_FRAMES:
        store.fail(instance.name, f"it has {frames} frames, and {LEAST_FRAMES} are needed")
    return frames >= LEAST_FRAMES


def targets_of(store: ClipStore, instance: Instance, places: Sequence[float]) -> list[int]:
    """The targets at some places of a clip's anchor curve, in kbps."""
    rates = store.anchor(instance).rates_kbps
    return sorted({max(1, round(rates[0] ** (1.0 - at) * rates[-1] ** at)) for at in places})


def _jobs(
    store: ClipStore, instances: Sequence[Instance], plan: ScanPlan, known: Mapping[Key, Mapping[str, Any]]
) -> Iterator[Job]:
    """The encodes that are still to be made, clip after clip."""
    policy = store.engine.policy(CONTROLLER)
    strength = store.engine.filter_strength
    for instance in instances:
        clip, content = store.raw_clip(instance), clip_hash(instance.paths, instance.changes)
        for kbps in targets_of(store, instance, plan.places):
            for trial in plan.trials(instance.name, len(clip)):
                row = known.get((instance.name, kbps, trial.name))
                if row is not None and row.get("clip_hash", content) == content:
                    continue
                asked = with_strength(trial, strength, gops_of(len(clip)))
                shapes = np.array(asked, np.int32).reshape(-1, 4)
                yield store.job(
                    f"{instance.name}, {kbps} kbps, {trial.name}",
                    instance,
                    kbps,
                    mode="policy",
                    policy=policy,
                    shapes=shapes if len(shapes) else None,
                    extra=(instance, trial, content),
                )


def row_of(store: ClipStore, done: BatchResult) -> dict[str, Any]:
    """What is kept of an encode; the gain is in per cent of rate over constant quality's curve."""
    instance, trial, content = done.job.extra
    result, anchor = done.result, store.anchor(instance)
    gain_db = done.quality_db - anchor.psnr_at(result.kbps)
    pixels = result.config.width * result.config.height
    measured = {} if done.quality is None else {"quality_db": done.quality}
    return {
        "clip": instance.name,
        "clip_hash": content,
        "kbps_asked": result.config.target_kbps,
        "trial": trial.name,
        "shapes": trial.shapes,
        "kbps": result.kbps,
        "psnr_y_db": result.psnr_y_db,
        **measured,
        "metric": store.config.reward.metric,
        "libvpx": store.engine.libvpx,
        "cpu_used": result.config.cpu_used,
        "summed_psnr_y_db": float(psnr_db(np.mean(result.shown["sse_y"]), pixels)),
        "gain": anchor.percent_of(gain_db, result.kbps),
        "db_per_percent": anchor.slope_db(result.kbps) / 100.0,
        "encode_s": result.encode_s,
        "frames": {name: result.records[name].tolist() for name in COLUMNS},
        "frame_psnr": np.round(psnr_db(result.shown["sse_y"], pixels), 3).tolist(),
    }
