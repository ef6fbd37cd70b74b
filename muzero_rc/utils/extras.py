"""Optional dependencies: one line that says which extra to install, instead of an import error later on."""

from importlib.util import find_spec

from encoder_bridge.errors import UserError

MODULES = {
    "cluster": ("ray",),
    "dataset": ("h5py", "minari", "PIL"),
    "report": ("bjontegaard", "imageio_ffmpeg", "jinja2"),
    "reverb": ("reverb",),
    "train": ("cma", "haiku", "jax", "mctx", "optax", "safetensors", "tensorboard", "bjontegaard"),
}
"""What the extras of pyproject.toml bring that our code imports."""


class MissingExtra(UserError):
    """A part of the installation that was left out; the message says how to add it."""


def require_extra(extra: str) -> None:
    """Checks that an extra is installed, without importing any of it.

    Args:
        extra: of MODULES.

    Raises:
        MissingExtra: one of its modules is not there.
    """
    missing = [name for name in MODULES[extra] if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{', '.join(missing)} not installed: pip install 'muzero-rc[{extra}]'")
