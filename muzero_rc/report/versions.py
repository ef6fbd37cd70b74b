"""Versions of everything that has a part in a report's figures."""

import platform
from importlib import metadata
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.media.ffmpeg import program
from encoder_bridge.media.quality_filters import filter_ffmpeg
from muzero_rc.utils.version import first_line, own_version


def versions(*, filters: bool = False) -> dict[str, str]:
    """Versions by name.

    Args:
        filters: with the ffmpeg whose filters measure what not every ffmpeg does.
    """
    native = _native.versions()
    found = {
        "muzero-rc": own_version(),
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


def _ffmpeg_version(path: str) -> str:
    words = first_line([path, "-version"]).split()
    return words[2] if len(words) > 2 else "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]}, {len(models)} threads" if models else platform.machine()
