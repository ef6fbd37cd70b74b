"""Learning curves: validation over training of one run or several.

    scripts/experiments/learning_curve.py -o docs/results/learning-curve.svg NAME=RUN_DIR/metrics.jsonl …

BD-rate to two-pass VBR with the same GOPs, to constant quality, share of encodes over and fill.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "muzero-rc"  # the same picture is the same file
from matplotlib import pyplot  # noqa: E402

PANELS = {
    "bd_vbr": "BD-rate to VBR, %",
    "bd_quality": "BD-rate to constant quality, %",
    "over": "encodes over by > 1 %, share",
    "fill": "fill, rate / target",
}


def validations(path: Path) -> list[dict[str, float]]:
    """The validation rows of a run's metrics, by step."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted((row for row in rows if row["group"] == "validation"), key=lambda row: row["step"])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=METRICS")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(14, 3.4), layout="constrained")
    for word in options.runs:
        name, _, path = word.partition("=")
        rows = validations(Path(path))
        for panel, key in zip(axes, PANELS, strict=True):
            panel.plot([row["step"] for row in rows], [row[key] for row in rows], "o-", ms=3, label=name)
    for panel, label in zip(axes, PANELS.values(), strict=True):
        panel.set(xlabel="learner steps", title=label)
        panel.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    figure.savefig(options.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
