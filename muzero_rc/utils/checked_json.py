"""JSON files that carry a checksum of what they say, for caches: what does not hold counts as missing."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from encoder_bridge.atomic_file import write_text


def sha256_of(value: Any) -> str:
    """SHA-256 of a value's JSON with sorted keys; raises ValueError for a number that is not finite."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def write_checked(path: Path, content: Mapping[str, Any]) -> None:
    """Writes an object and its checksum, whole or not at all.

    Raises:
        ValueError: a number in it is not finite.
        OSError: the file cannot be written.
    """
    entry = {"sha256": sha256_of(content), **content}
    write_text(path, json.dumps(entry, allow_nan=False) + "\n")


def read_checked(path: Path) -> dict[str, Any] | None:
    """What `write_checked` wrote; None for a file that is missing, cut short or changed."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content if content.pop("sha256") == sha256_of(content) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
