r"""Checkpoints: all that a learner needs to go on, in files that are whole or not there.

A file is `MZCK1\\n`, the SHA-256 of the rest, and an .npz archive of the state's leaves with a JSON
note. The newest is written beside the ones before and renamed; one that was cut short fails its
checksum and the one before is used.
"""

import hashlib
import io
import json
import logging
import os
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from encoder_bridge.atomic_file import whole_file

log = logging.getLogger(__name__)

_MAGIC = b"MZCK1\n"
_SUFFIX = ".checkpoint"
Tree = TypeVar("Tree")


def save(folder: Path, step: int, state: Any, note: dict[str, Any], *, keep: int = 2) -> Path:
    """Writes a checkpoint, then removes all but the `keep` newest.

    Args:
      folder: made if missing.
      step: names the file.
      state: a tree of arrays.
      note: anything that JSON can hold.
      keep: at least 2, so that a cut-short newest one has a predecessor.

    Returns:
      The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    leaves = {f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree_util.tree_leaves(state))}
    np.savez(buffer, note=np.frombuffer(json.dumps(note).encode(), np.uint8), **leaves)
    payload = buffer.getvalue()
    path = folder / f"{step:09d}{_SUFFIX}"
    with whole_file(path) as temporary:
        temporary.write_bytes(_MAGIC + hashlib.sha256(payload).digest() + payload)
    _sync_folder(folder)
    for old in _files(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def load_latest(folder: Path, like: Tree) -> tuple[Tree, dict[str, Any]] | None:
    """The newest whole checkpoint, or None where there is none.

    Args:
      folder: of `save`.
      like: a state of the same shape, whose structure is taken over.

    Raises:
      ValueError: a whole checkpoint of another network or version.
    """
    for path in reversed(_files(folder)):
        payload = _payload(path)
        if payload is None:
            log.warning("checkpoint %s is not whole, using the one before", path.name)
            continue
        return _unpack(path, payload, like)
    return None


def _unpack(path: Path, payload: bytes, like: Tree) -> tuple[Tree, dict[str, Any]]:
    leaves, structure = jax.tree_util.tree_flatten(like)
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        note: dict[str, Any] = json.loads(archive["note"].tobytes())
        found = [archive[f"leaf{i}"] for i in range(len(archive.files) - 1)]
    if [np.shape(leaf) for leaf in leaves] != [leaf.shape for leaf in found]:
        raise ValueError(f"checkpoint {path}: it belongs to another network; use its own config")
    # Copies that JAX owns: a learner step gives its input's memory away.
    owned = [jax.numpy.array(leaf, copy=True) for leaf in found]
    return jax.tree_util.tree_unflatten(structure, owned), note


def _payload(path: Path) -> bytes | None:
    data = path.read_bytes()
    head = len(_MAGIC) + hashlib.sha256().digest_size
    payload = data[head:]
    whole = data.startswith(_MAGIC) and hashlib.sha256(payload).digest() == data[len(_MAGIC) : head]
    return payload if whole else None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
