"""Measured encodes kept on disk, one JSON file each, as soon as they exist.

Whatever does not hold (cut short, a changed number, another entry's file) counts as missing, so that the
encode is made again.
"""

from collections.abc import Mapping
from pathlib import Path

from muzero_rc.evaluation.results import MeasuredEncode
from muzero_rc.utils.checked_json import read_checked, sha256_of, write_checked

_FORMAT = "muzero-rc encode 4"
"""Counts up when what is measured, or how, changes: older entries are then made again."""


def cache_key(made_from: Mapping[str, str]) -> str:
    """Names an encode by everything that it depends on."""
    return sha256_of({"format": _FORMAT, **made_from})[:40]


class ResultCache:
    """A folder of measured encodes; entries appear whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> MeasuredEncode | None:
        """The encode of this name; None when there is none, or none that holds."""
        entry = read_checked(self._path(key))
        try:
            same = entry is not None and key == cache_key(entry["made_from"])
            return MeasuredEncode.from_json(entry["encode"]) if entry and same else None
        except (KeyError, TypeError):  # whole, but of another version of ours
            return None

    def save(self, key: str, encode: MeasuredEncode, made_from: Mapping[str, str]) -> None:
        """Keeps an encode, with what it was made from; makes the folder if it is missing.

        Args:
            key: `cache_key` of `made_from`.
            encode: to keep.
            made_from: everything that it depends on.

        Raises:
            ValueError: a figure is not finite.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        write_checked(self._path(key), {"made_from": dict(made_from), "encode": encode.to_json()})

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
