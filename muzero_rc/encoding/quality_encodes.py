"""Constant-quality encodes: what an anchor curve goes through, kept on disk with their qindexes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.atomic_file import write_text
from encoder_bridge.encode.batch import BatchResult
from muzero_rc.encoding.qindex_plan import QindexPlan, plan_of_json, plan_of_packets, plan_of_records


@dataclass(frozen=True)
class QualityEncode:
    """One constant-quality encode.

    Attributes:
      cq_level: libvpx's.
      rate_kbps, psnr_y_db: what came of it; the latter by the run's objective.
      plan: the qindexes that it used.
    """

    cq_level: int
    rate_kbps: float
    psnr_y_db: float
    plan: QindexPlan


def quality_encode_of(done: BatchResult) -> QualityEncode:
    """What is kept of an encode that has ended well."""
    result = done.result
    records = result.records
    plan = (
        plan_of_records(records, shapes=result.shapes) if len(records) else plan_of_packets(result.payloads)
    )
    return QualityEncode(result.config.cq_level, result.kbps, done.quality_db, plan)


def load_quality_encodes(path: Path) -> list[QualityEncode] | None:
    """The encodes of a file, by level, or None where there is no such file or it is damaged."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [QualityEncode(**{**one, "plan": plan_of_json(plan)}) for one, plan in kept]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save_quality_encodes(path: Path, encodes: Sequence[QualityEncode]) -> None:
    """Keeps the encodes, whole or not at all."""
    write_text(path, json.dumps([({**vars(one), "plan": None}, vars(one.plan)) for one in encodes]))
