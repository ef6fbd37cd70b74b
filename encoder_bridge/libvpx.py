"""Which libvpx encodes: one that is named, or the newest on this machine that is known.

Nothing here is linked to libvpx. The extension asks for it when it first needs one; whoever wants
another names it before, in the environment.
"""

import importlib.util
import os
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.errors import BadInput, ToolMissing

CHOICE = "MUZERO_RC_LIBVPX"
"""Environment variable: a file, or a name that the loader looks for. Other processes inherit it."""

_USUAL_DEPTH = 8
_SONAMES = tuple(f"libvpx.so.{number}" for number in (12, 11, 9, 8, 7))
"""libvpx 1.16 and newer, 1.15.1 and newer, 1.14 and 1.15.0, 1.13, 1.10 to 1.12."""


def choose(name: str | os.PathLike[str]) -> None:
    """Makes `name` the libvpx of this process and those that it starts.

    Raises:
        ToolMissing: it is no libvpx, or one that is not known.
    """
    path = os.fspath(name)
    os.environ[CHOICE] = str(Path(path).absolute()) if os.sep in path or Path(path).is_file() else path
    load()


def load() -> None:
    """Opens the libvpx that encodes: the one in `MUZERO_RC_LIBVPX`, else the system's newest, else PyAV's.

    Raises:
        ToolMissing: there is none, or the one that is named cannot be used; with the reasons.
    """
    named = os.environ.get(CHOICE)
    reasons = []
    for name in (named,) if named else (*_SONAMES, *_bundled()):
        try:
            return _native.open_libvpx(name)
        except _native.NativeError as error:
            reasons.append(str(error))
    if named:
        raise ToolMissing(reasons[0])
    refused = [reason for reason in reasons if "cannot open shared object file" not in reason]
    found = f" ({'; '.join(refused)})" if refused else ""
    raise ToolMissing(
        f"no libvpx 1.10 to 1.17 is here{found}: apt install libvpx-dev, or pip install 'muzero-rc[av]', or "
        f"name one with {CHOICE}"
    )


def describe() -> str:
    """The libvpx that encodes, in a line: version, ABIs, path.

    Raises:
        ToolMissing: as `load`.
    """
    facts = _native.versions()
    return (
        f"libvpx {facts['libvpx_runtime']} (encoder ABI {facts['encoder_abi']}, external rate control ABI "
        f"{facts['ext_rc_abi']}) {facts['libvpx_path']}"
    )


def frame_depth(asked: int | None) -> int | None:
    """The bit depth to decode frames in: `asked`, or None for their own, which is 8 where there is no choice.

    Raises:
        BadInput: the libvpx that encodes has 8 bits only.
        ToolMissing: as `load`.
    """
    facts = _native.versions()
    if facts["high_bit_depth"] or asked == _USUAL_DEPTH:
        return asked
    if asked is None:
        return _USUAL_DEPTH
    raise BadInput(
        f"libvpx {facts['libvpx_runtime']} in {facts['libvpx_path']} was built for 8 bits only, not for "
        f"{asked}: name another one ({CHOICE}, --libvpx), or encode 8 bits"
    )


def check_key_frame_filtering(wanted_by: str) -> None:
    """Refuses a libvpx that cannot filter key frames.

    Args:
        wanted_by: who wants it, in words.

    Raises:
        BadInput: it is older than 1.15.
        ToolMissing: as `load`.
    """
    facts = _native.versions()
    if not facts["key_frame_filtering"]:
        raise BadInput(
            f"{wanted_by}: libvpx {facts['libvpx_runtime']} in {facts['libvpx_path']} cannot filter key "
            f"frames: name 1.15 or newer ({CHOICE}, --libvpx)"
        )


def _bundled() -> list[str]:
    """What lies in PyAV's wheel: beside the package, in a folder of its own."""
    spec = importlib.util.find_spec("av")
    if spec is None or not spec.origin:
        return []
    folder = Path(spec.origin).parent.parent / "av.libs"
    return sorted(map(str, folder.glob("libvpx-*.so*")))
