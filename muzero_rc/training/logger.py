"""Logger of a run's scalars: TensorBoard, and one line of JSON for each report."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Logger:
    """Writes scalars to a run folder's `tensorboard/` and `metrics.jsonl`; a context manager."""

    def __init__(self, run_dir: Path) -> None:
        """Args: run_dir: exists."""
        self._board = EventFileWriter(str(run_dir / "tensorboard"))
        self._lines = (run_dir / "metrics.jsonl").open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, step: int, group: str, scalars: Mapping[str, float]) -> None:
        """Logs scalars at a learner step; in TensorBoard their names are `group/name`."""
        values = [Summary.Value(tag=f"{group}/{k}", simple_value=float(v)) for k, v in scalars.items()]
        self._board.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        numbers = {name: round(float(value), 6) for name, value in scalars.items()}
        self._lines.write(json.dumps({"step": step, "group": group, **numbers}) + "\n")
        self._lines.flush()

    def close(self) -> None:
        """Flushes both files and closes them."""
        self._board.close()
        self._lines.close()


def read_metrics(run_dir: Path, group: str) -> list[dict[str, float]]:
    """Reads back all that was logged of a group, in its order, without a torn last line."""
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
    """Formats a duration as hours and minutes: `1h05`."""
    minutes = max(0, round(seconds / 60))
    return f"{minutes // 60}h{minutes % 60:02d}"
