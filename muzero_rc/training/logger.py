"""What a run reports: TensorBoard, a line of JSON for each report, and a line for a person."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Metrics:
    """Writes scalars under a run folder: `tensorboard/` and `metrics.jsonl`, which grows line by line."""

    def __init__(self, run_dir: Path) -> None:
        """Args: run_dir: exists."""
        self._board = EventFileWriter(str(run_dir / "tensorboard"))
        self._lines = (run_dir / "metrics.jsonl").open("a", encoding="utf-8")

    def write(self, step: int, group: str, scalars: Mapping[str, float]) -> None:
        """Reports scalars at a learner step; names become `group/name`."""
        values = [Summary.Value(tag=f"{group}/{k}", simple_value=float(v)) for k, v in scalars.items()]
        self._board.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        numbers = {name: round(float(value), 6) for name, value in scalars.items()}
        self._lines.write(json.dumps({"step": step, "group": group, **numbers}) + "\n")
        self._lines.flush()

    def close(self) -> None:
        """Writes what is left."""
        self._board.close()
        self._lines.close()


def read_metrics(run_dir: Path, group: str) -> list[dict[str, float]]:
    """All reports of a group, in their order; a torn last line is left out."""
    path = run_dir / "metrics.jsonl"
    reports = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            report = json.loads(line)
        except json.JSONDecodeError:
            continue
        if report.get("group") == group:
            reports.append(report)
    return reports


def duration(seconds: float) -> str:
    """Hours and minutes for a person: `1h05`."""
    minutes = max(0, round(seconds / 60))
    return f"{minutes // 60}h{minutes % 60:02d}"
