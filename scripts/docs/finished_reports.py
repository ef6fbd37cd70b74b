"""What scripts of the docs read of finished reports."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class WrongReports(Exception):
    """Reports that do not make a table; the message says why, in a line."""


def read_results(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """What is in their results.json.

    Raises:
        WrongReports: one is missing.
    """
    reports = []
    for folder in folders:
        source = folder / "results.json"
        if not source.is_file():
            raise WrongReports(f"{source} does not exist: run rc-report first")
        reports.append(json.loads(source.read_text(encoding="utf-8")))
    return reports
