"""What every test shares."""

from hypothesis import settings

# A first import or a busy machine is no failure: nothing here is timed.
settings.register_profile("muzero-rc", deadline=None)
settings.load_profile("muzero-rc")
