"""What every test shares."""

import sys
from contextlib import suppress

from hypothesis import settings

# Haiku leaves an object among the modules that raises whatever it is asked, and hypothesis asks every
# module. Without the train extra there is no Haiku.
with suppress(ImportError):
    import haiku  # noqa: F401

    sys.modules.pop("haiku.experimental.flax", None)

# A first import or a busy machine is no failure: nothing here is timed.
settings.register_profile("muzero-rc", deadline=None)
settings.load_profile("muzero-rc")
