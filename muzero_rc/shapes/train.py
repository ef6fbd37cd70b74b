"""Training a policy of GOP shapes: clips are scanned, networks fitted, the policy file written."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from encoder_bridge.media.decode import content_digest
from muzero_rc.config.schema import Config
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.clips import CorpusError
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Farm
from muzero_rc.errors import RunError
from muzero_rc.shapes.credits import credit_correlation, read_sequences
from muzero_rc.shapes.fit import SHIPPED, write_shapes
from muzero_rc.shapes.left_out import LeftOut, left_out, originals
from muzero_rc.shapes.scan import ScanPlan, scan
from muzero_rc.shapes.scan_file import read_rows
from muzero_rc.shapes.scan_folder import scan_folder, scan_settings
from muzero_rc.utils.version import own_version

Report = Callable[[str], None]
"""Is told how far it is, in words."""


def scan_clips(
    clips: Sequence[Path],
    config: Config,
    places: Sequence[float],
    folder: Path,
    *,
    engine: Engine,
    cache: Path,
    farm: Farm,
    report: Report,
) -> Path:
    """Scans clips, or goes on with the scan in a folder.

    Args:
      clips: of which at most the first `config.data.max_frames` frames are encoded.
      config: of the encoder, the anchor curves and the metric.
      places: of the targets; see `ScanPlan`.
      folder: keeps the scan file; see `scan_folder`.
      engine: what encodes.
      cache: of frames, first passes and anchor curves.
      farm: where encodes run.
      report: is told how far it is.

    Returns:
      The scan file.

    Raises:
      RunError: the folder cannot be used.
      CorpusError: no clip can be used.
    """
    instances = [Instance(path.stem, path.stem, (path,)) for path in clips]
    random.Random(0).shuffle(instances)  # so that a part of the scan is of all kinds
    with (
        scan_folder(folder, scan_settings(engine, config)) as path,
        ClipStore(engine, config, cache, farm) as store,
    ):
        report(f"scan of {len(clips)} clips, of each at most the first {config.data.max_frames} frames")
        scan(store, instances, ScanPlan(places), path, report)
        if not any(store.knows(one.name) for one in instances):
            raise CorpusError(f"none of the {len(clips)} clips can be scanned")
        return path


def fit_policy(
    scans: Sequence[Path],
    clips: Mapping[str, Path],
    output: Path,
    *,
    metric: str,
    folds: int,
    careful: bool,
    cache: Path,
    report: Report,
) -> None:
    """Fits a policy to scans and writes its file, which appears under its name when it is whole.

    Args:
      scans: scan files.
      clips: by name.
      output: the policy file.
      metric: what the scans were measured by.
      folds: of the clips, for a trial on clips left out; 0 leaves it.
      careful: GOPs that are unlike those of the clips are left to libvpx.
      cache: of frames.
      report: is told what was learned.

    Raises:
      RunError: the scans cannot be used, or there are fewer originals than folds.
    """
    rows = [row for path in scans for row in read_rows(path) if row["clip"] in clips]
    others = sorted({found for row in rows if (found := row.get("metric", "psnr")) != metric})
    if others:
        raise RunError(f"{', '.join(map(str, scans))}: measured by {others[0]}, not {metric}: use --metric")
    data = read_sequences(rows, clips, cache)
    named = sorted(set(data.clip.tolist()))
    figures = {"credit_correlation": credit_correlation(data)}
    report(f"{len(data.gain)} encodes of {len(named)} clips, {len(data.share)} GOPs")
    report(f"credits of GOPs add up to gains with a correlation of {figures['credit_correlation']:+.3f}")
    if folds:
        check_folds(folds, originals(named))
        tried: LeftOut = left_out(data, folds, settings=SHIPPED)
        report(str(tried))
        figures |= {"left_out_correlation": tried.correlation, "left_out_r2": tried.r2}
    provenance = {
        "by": "rc-train shapes",
        "muzero-rc": own_version(),
        "clips": len(named),
        "corpus_hash": digest([(clips[name].name, content_digest(clips[name])) for name in named]),
        "encodes": len(data.gain),
        "metric": metric,
        "libvpx_runtime": _all_of(rows, "libvpx"),
        "cpu_used": _all_of(rows, "cpu_used"),
        "figures": {name: round(value, 5) for name, value in figures.items()},
    }
    write_shapes(output, data, provenance, SHIPPED, careful)


def check_folds(folds: int, found: Sequence[str]) -> None:
    """Raises RunError where there are fewer originals than folds."""
    if folds > len(found):
        raise RunError(
            f"--folds {folds}: clips of {len(found)} originals are there (name-01 and name-02 are of one)"
        )


def _all_of(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """What rows say of a thing; older ones say nothing."""
    return ", ".join(sorted({str(row.get(name, "unknown")) for row in rows}))
