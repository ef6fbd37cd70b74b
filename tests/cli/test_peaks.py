"""--max-bitrate and --buffer, measured on the packets of the output."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]


def variable_rate(clip: Path, output: Path) -> Path:
    """The clip with every third frame shown three times as long as the others."""
    filters = "setpts='(N+2*floor(N/3))/(25*TB)'"
    options = ("-vf", filters, "-fps_mode", "passthrough", "-c:v", "ffv1")
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(clip), *options, str(output)], check=True)
    return output


def packets_of(path: Path) -> list[tuple[float, int]]:
    words = ("-select_streams", "v", "-show_entries", "packet=pts_time,size", "-of", "json")
    shown = subprocess.run(["ffprobe", "-v", "error", *words, str(path)], check=True, capture_output=True)
    return [(float(one["pts_time"]), int(one["size"])) for one in json.loads(shown.stdout)["packets"]]


def test_no_stretch_takes_more_at_a_variable_rate_too(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    clip = variable_rate(make_clip("96x64", 40, noise=40), tmp_path / "variable.mkv")
    output = tmp_path / "o.webm"
    words = ("--bitrate", "200k", "--max-bitrate", "220k", "--buffer", "60k", "--cpu-used", "5")
    ran = invoke(main, clip, "-o", output, *words, "--json")
    assert ran.status == 0, ran.err
    report, packets = json.loads(ran.out), packets_of(output)
    worst = max(
        8 * sum(size for _, size in packets[first : last + 1])
        - 220_000 * (packets[last][0] - packets[first][0])
        for first in range(len(packets))
        for last in range(first, len(packets))
    )
    assert len(packets) == 40
    assert worst < 60_000
    assert report["buffer_used"] == pytest.approx(worst / 60_000, abs=0.02)  # milliseconds in the container
    assert (report["max_kbps"], report["buffer_kbits"]) == (220, 60)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--bitrate", "300k", "--max-bitrate", "200k"), "--max-bitrate 200k is below the bitrate of 300k"),
        (("--bitrate", "300k", "--buffer", "200k"), "--buffer needs a --max-bitrate"),
        (("--bitrate", "300k", "--max-bitrate", "400k", "--policy", "libvpx"), "no --policy libvpx"),
        (("--bitrate", "300k", "--max-bitrate", "400k", "--candidates", "2"), "no --candidates"),
        (("--bitrate", "300k", "--max-bitrate", "0"), "bitrate 0 is below 1k"),
    ],
)
def test_wrong_use_is_one_line(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert message in ran.err
