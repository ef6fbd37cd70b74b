"""The compilation cache: what JAX has compiled once is found by later runs and other actors."""

from pathlib import Path
from typing import Any

import jax


def keep_compiled(folder: Path) -> None:
    """Keeps what JAX compiles in a folder, unless JAX_COMPILATION_CACHE_DIR or the caller names another."""
    config: Any = jax.config  # whose attributes type checkers do not know
    if config.jax_compilation_cache_dir is None:
        config.update("jax_compilation_cache_dir", str(folder))
