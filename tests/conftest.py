"""What every test shares."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from hypothesis import settings

pytest_plugins = ["support.bridge_fixtures"]

# JAX keeps what it compiled between tests and between test runs.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / "build" / "test-jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# Haiku leaves an object among the modules that raises whatever it is asked, and hypothesis asks every
# module. Without the train extra there is no Haiku.
with suppress(ImportError):
    import haiku  # noqa: F401

    sys.modules.pop("haiku.experimental.flax", None)

# A first import or a busy machine is no failure: nothing here is timed.
settings.register_profile("muzero-rc", deadline=None)
settings.load_profile("muzero-rc")
