"""Versions of everything that has a part in a report's figures."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.media.ffmpeg import program
from encoder_bridge.media.quality_filters import filter_ffmpeg


def versions(*, filters: bool = False) -> dict[str, str]:
    """Versions by name.

    Args:
        filters: with the ffmpeg whose filters measure what not every ffmpeg does.
    """
    native = _native.versions()
    found = {
        "muzero-rc": _own_version(),
        "libvpx": f"{native['libvpx_runtime']} (external rate control ABI {native['ext_rc_abi']})",
        "ffmpeg": _ffmpeg_version(program("ffmpeg")),
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "bjontegaard": metadata.version("bjontegaard"),
        "processor": _processor(),
        "system": platform.platform(),
    }
    if filters:
        found["ffmpeg of the metrics"] = _ffmpeg_version(filter_ffmpeg()[0])
    return found


def _own_version() -> str:
    version = metadata.version("muzero-rc")
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return version
    commit = _first_line(["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"])
    return f"{version}, commit {commit}" if commit else version


def _ffmpeg_version(path: str) -> str:
    words = _first_line([path, "-version"]).split()
    return words[2] if len(words) > 2 else "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]}, {len(models)} threads" if models else platform.machine()


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""
