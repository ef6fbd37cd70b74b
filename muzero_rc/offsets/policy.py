"""Policies that are the controller with other constants: their files."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from muzero_rc.deploy.policy_file import MOVE, FloatArray, read_metadata, write_policy_file
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.portable_policy import PortablePolicy


def write_moves(
    path: Path,
    moves: Mapping[str, float],
    feature_version: int,
    provenance: Mapping[str, Any],
    shapes: Path | None = None,
) -> None:
    """Writes a policy file; it appears under its name when it is whole.

    Args:
      path: of the file.
      moves: added to the controller's constants, by name.
      feature_version: `_native.versions()["feature_version"]`; with shapes, theirs is written.
      provenance: see `write_policy_file`.
      shapes: a policy of GOP shapes, which the new one decides as this one does.

    Raises:
      PolicyFileError: `shapes` is no policy file.
      OSError: a file cannot be read or written.
    """
    tensors = {MOVE + name: np.array([move], np.float32) for name, move in sorted(moves.items())}
    metadata: dict[str, Any] = {"feature_version": feature_version}
    if shapes is not None:
        found = read_metadata(shapes)
        metadata = {"feature_version": found["feature_version"], "shapes": found["shapes"]}
        provenance = {**provenance, "shapes": found["provenance"]}
        tensors |= shape_tensors(shapes)
    write_policy_file(path, tensors, metadata, provenance)


def shape_tensors(path: Path) -> dict[str, FloatArray]:
    """Those of a policy's GOP shapes."""
    return {name: tensor for name, tensor in load_file(path).items() if not name.startswith(MOVE)}


def moved_policy(engine: Engine, moves: Mapping[str, float], shapes: Path | None = None) -> PortablePolicy:
    """The policy of some moves, opened for jobs."""
    version = int(engine.native.versions()["feature_version"])
    with tempfile.TemporaryDirectory(prefix="muzero-rc-") as folder:
        path = Path(folder) / "moved.safetensors"
        write_moves(path, moves, version, {}, shapes)
        return engine.policy(str(path))
