"""JAX keeps what it compiled between tests and between test runs."""

import os
from pathlib import Path

_CACHE = Path(__file__).parents[2] / "build" / "test-jax"

os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
