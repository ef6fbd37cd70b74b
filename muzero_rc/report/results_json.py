"""results.json: a report's figures for programs. Rates in kbps, BD-rates in per cent."""

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from muzero_rc.evaluation.comparison import Comparison, TargetKeeping, compare, target_keeping
from muzero_rc.evaluation.corpus_level import CorpusComparison, compare_corpora
from muzero_rc.evaluation.metrics import METRICS, VMAF
from muzero_rc.evaluation.rate_controls import LIBVPX_Q, LIBVPX_VBR_ARF1
from muzero_rc.evaluation.results import Failure, MeasuredEncode, ReportData

FORMAT = 1
"""Counts up when a reader of older files would misread newer ones."""


def results_text(data: ReportData) -> str:
    """The file's text; raises ValueError for a figure that is no finite number."""
    return json.dumps(results_json(data), indent=1, allow_nan=False) + "\n"


def encodes_csv(data: ReportData) -> str:
    """All encodes as comma-separated values, one a line; a figure that was not measured is empty."""
    rows = [_of_encode(encode) for encode in data.encodes]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def results_json(data: ReportData) -> dict[str, Any]:
    """The same figures as the page has. Rate controls are called methods there."""
    comparisons = [c for anchor in anchors(data) for c in compare(data, anchor)]
    return {
        "format": FORMAT,
        "command": data.command,
        "settings": data.settings,
        "versions": data.versions,
        "notes": data.notes,
        "baseline": data.baseline,
        "methods": data.rate_controls,
        "policies": data.policies,
        "clips": [asdict(clip) for clip in data.clips],
        "bd_rate": [_of_comparison(comparison) for comparison in comparisons],
        "bd_rate_corpus": [_of_corpora(one) for one in compare_corpora(data, METRICS[0])],
        "constraint": [_of_keeping(row) for row in target_keeping(data)],
        "failures": [_of_failure(failure) for failure in data.failures],
        "encodes": [_of_encode(encode) for encode in data.encodes],
    }


def anchors(data: ReportData) -> list[str]:
    """What BD-rates are taken against: the baseline, then constant quality and VBR as people run it."""
    others = (name for name in (LIBVPX_Q, LIBVPX_VBR_ARF1) if name in data.rate_controls)
    return list(dict.fromkeys([data.baseline, *others]))


def _of_comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "method": comparison.rate_control,
        "anchor": comparison.anchor,
        "metric": comparison.metric.key,
        "clips": {name: asdict(result) for name, result in comparison.clips.items()},
        "summary": asdict(comparison.summary),
    }


def _of_corpora(comparison: CorpusComparison) -> dict[str, Any]:
    return {
        "method": comparison.rate_control,
        "metric": METRICS[0].key,
        "clips": comparison.clips,
        **asdict(comparison.result),
    }


def _of_keeping(row: TargetKeeping) -> dict[str, Any]:
    return {"method": row.rate_control, **asdict(row.budget), "at_floor": row.at_floor}


def _of_failure(failure: Failure) -> dict[str, Any]:
    return {"clip": failure.clip, "method": failure.rate_control, "reason": failure.reason}


def _of_encode(encode: MeasuredEncode) -> dict[str, Any]:
    measured = {
        metric.name: encode.metrics[metric.name] for metric in METRICS if metric.name in encode.metrics
    }
    return {
        "clip": encode.clip,
        "method": encode.rate_control,
        "target_kbps": encode.target_kbps,
        "cq_level": encode.cq_level,
        "kbps": encode.kbps,
        **measured,
        VMAF.name: measured.get(VMAF.name),  # format 1 always has it
        "frames": encode.frames,
        "fps": encode.fps,
        "encode_s": encode.encode_s,
        "guarded": encode.guarded,
    }
