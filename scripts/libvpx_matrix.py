#!/usr/bin/env python3
"""Prints what held on which libvpx: a line for each check, a column for each release.

    scripts/libvpx_matrix.py build/libvpx.xml   # what pytest --junit-xml wrote of tests/libvpx

A cell says how many cases passed, or how many of them failed; "-" is a check that could not run there.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_VERSION = re.compile(r"\[.*?(\d+\.\d+\.\d+)")


def main() -> int:
    """Returns 1 if anything failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", metavar="FILE.xml", type=Path)
    cells = read(parser.parse_args().results)
    print("\n".join(table(cells)))
    return int(any(counts[FAILED] for row in cells.values() for counts in row.values()))


def read(results: Path) -> dict[str, dict[str, Counter[str]]]:
    """Outcomes by check and release, of the tests that run once for each release."""
    cells: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for case in ElementTree.parse(results).iter("testcase"):
        version = _VERSION.search(case.get("name", ""))
        if version is None or ".libvpx." not in case.get("classname", ""):
            continue
        module = case.get("classname", "").rpartition(".")[2].removeprefix("test_")
        words = case.get("name", "").partition("[")[0].removeprefix("test_").replace("_", " ")
        kinds = {child.tag for child in case}
        outcome = FAILED if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSED
        cells[f"{module}: {words}"][version[1]][outcome] += 1
    return cells


def table(cells: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """The lines of a Markdown table."""
    versions = sorted({v for row in cells.values() for v in row}, key=lambda v: [*map(int, v.split("."))])
    lines = [f"| check | {' | '.join(versions)} |", "| --- " * (len(versions) + 1) + "|"]
    for check, row in cells.items():
        lines.append(
            f"| {check} | {' | '.join(_cell(row.get(version, Counter())) for version in versions)} |"
        )
    return lines


def _cell(counts: Counter[str]) -> str:
    ran = counts[PASSED] + counts[FAILED]
    if counts[FAILED]:
        return f"FAILED {counts[FAILED]} of {ran}"
    return str(ran) if ran else "-"


if __name__ == "__main__":
    sys.exit(main())
