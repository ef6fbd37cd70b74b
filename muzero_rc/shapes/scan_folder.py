"""The folder of a shape scan: the scan file, what it was made with, and the lock of who writes it."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from encoder_bridge.atomic_file import write_text
from muzero_rc.config.schema import Config, encoder_settings
from muzero_rc.encoding.engine import Engine
from muzero_rc.errors import RunError

VERSION = 1
KIND = "shapes"


@contextmanager
def scan_folder(path: Path, settings: Mapping[str, Any], kind: str = KIND) -> Iterator[Path]:
    """Yields the scan file of a folder, which is made where it is missing; nobody else writes it meanwhile.

    Args:
      path: the folder.
      settings: by name, whatever encodes must have in common, as JSON has it.
      kind: of the scan.

    Raises:
      RunError: the folder holds something else, a scan with other settings, or is in use.
      OSError: it cannot be made.
    """
    note = path / "run.json"
    if not note.exists() and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path} holds something else: choose another --run-dir")
    path.mkdir(parents=True, exist_ok=True)
    with (path / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{path} is in use by another process") from None
        wanted = {"version": VERSION, "kind": kind, **settings}
        if note.exists():
            _check(path, _read(note, kind), wanted)
        else:
            write_text(note, json.dumps(wanted, indent=1) + "\n")
        yield path / "scans.jsonl"


def scan_settings(engine: Engine, config: Config) -> dict[str, Any]:
    """What encodes of a scan have in common, by name."""
    return {
        "libvpx": engine.libvpx,
        "data.max_frames": config.data.max_frames,
        "data.anchor_cq_levels": list(config.data.anchor_cq_levels),
        "reward.metric": config.reward.metric,
        **{f"encode.{name}": value for name, value in encoder_settings(config.encode).items()},
    }


def _read(note: Path, kind: str) -> dict[str, Any]:
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{note} cannot be read: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != kind or found.get("version") != VERSION:
        raise RunError(f"{note.parent} holds a run of another kind: choose another --run-dir")
    return found


def _check(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name in sorted(found.keys() | wanted.keys()):
        before, now = found.get(name), wanted.get(name)
        if before != now:
            raise RunError(
                f"{path} was scanned with {name} = {before}, not {now}: choose another --run-dir, or the same"
            )
