"""Checkpoints: all that a learner needs to go on, in files that are whole or not there.

A file is .safetensors: the state's arrays under flat names ("params.clip_in.w",
"optimiser.1.0.mu.clip_in.w"), and as metadata a note in JSON and a checksum of both. A new one appears
under its name only when it is whole; one that is damaged later fails its checksum, and the one before
is used.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import jax
import numpy as np
import safetensors
import safetensors.numpy

from encoder_bridge.atomic_file import whole_file
from muzero_rc.errors import RunError

logger = logging.getLogger(__name__)

_FORMAT = "muzero-rc-checkpoint"
_SUFFIX = ".safetensors"
_OLD_SUFFIX = ".checkpoint"
Tree = TypeVar("Tree")
Tensors: TypeAlias = dict[str, np.ndarray[Any, Any]]


def save(folder: Path, step: int, state: Any, note: Mapping[str, Any], *, keep: int = 2) -> Path:
    """Writes a checkpoint, then removes all but the `keep` newest.

    Args:
      folder: made if missing.
      step: names the file.
      state: a tree of arrays.
      note: anything that JSON can hold.
      keep: at least 2, so that a damaged newest one has a predecessor.

    Returns:
      The file.

    Raises:
      OSError: it cannot be written; those before are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors, text = flat(state), json.dumps(dict(note))
    metadata = {"format": _FORMAT, "note": text, "checksum": _checksum(tensors, text)}
    path = folder / f"{step:09d}{_SUFFIX}"
    with whole_file(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata))
    for old in _files(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def load_latest(folder: Path, like: Tree) -> tuple[Tree, dict[str, Any]] | None:
    """The newest whole checkpoint and its note, or None where there is none.

    Args:
      folder: of `save`.
      like: a state of the same shape, whose structure is taken over.

    Raises:
      RunError: a whole checkpoint of another network, or none but of an older version's format.
    """
    for path in reversed(_files(folder)):
        found = _read(path)
        if found is None:
            logger.warning("checkpoint %s is not whole, using the one before", path.name)
            continue
        return _unflat(path, found[0], like), found[1]
    if any(folder.glob(f"*{_OLD_SUFFIX}")):
        raise RunError(
            f"run folder {folder.parent}: its checkpoints are in an older version's format ({_OLD_SUFFIX}): "
            "begin another run with --init-from its policies/latest.safetensors"
        )
    return None


def flat(tree: Any) -> Tensors:
    """The arrays of a tree by the names on the way to them, joined by dots."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(way): np.asarray(leaf, order="C") for way, leaf in leaves}


def _unflat(path: Path, tensors: Tensors, like: Tree) -> Tree:
    expected = flat(like)
    if {name: (x.shape, x.dtype) for name, x in expected.items()} != {
        name: (x.shape, x.dtype) for name, x in tensors.items()
    }:
        raise RunError(f"checkpoint {path}: it belongs to another network; use its own config")
    # Copies that JAX owns: a learner step gives its input's memory away.
    owned = [jax.numpy.array(tensors[name], copy=True) for name in expected]
    state: Tree = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(like), owned)
    return state


def _name(way: tuple[Any, ...]) -> str:
    return ".".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in way)


def _read(path: Path) -> tuple[Tensors, dict[str, Any]] | None:
    """The arrays and the note of a file, or None where it is not whole."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError):
        return None
    text = metadata.get("note", "")
    if metadata.get("format") != _FORMAT or metadata.get("checksum") != _checksum(tensors, text):
        return None
    note: dict[str, Any] = json.loads(text)
    return tensors, note


def _checksum(tensors: Tensors, note: str) -> str:
    """BLAKE2b of the note and of every array with its name, type and shape."""
    whole = hashlib.blake2b(note.encode(), digest_size=32)
    for name in sorted(tensors):
        array = tensors[name]
        whole.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        whole.update(array.tobytes())
    return whole.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())
