"""Optional dependencies: one line that says which extra to install, instead of an import error later on."""

from importlib.util import find_spec

from encoder_bridge.errors import UserError

MODULES = {
    "report": ("bjontegaard", "imageio_ffmpeg", "jinja2"),
    "train": ("cma", "haiku", "jax", "mctx", "optax", "reverb", "safetensors", "tensorboard", "bjontegaard"),
}
"""What the extras of pyproject.toml bring that our code imports."""


class MissingExtra(UserError):
    """A part of the installation that was left out; the message says how to add it."""


def require_extra(extra: str, program: str) -> None:
    """Checks that an extra is installed, without importing any of it.

    Args:
        extra: of MODULES.
        program: what needs it, for the message.

    Raises:
        MissingExtra: one of its modules is not there.
    """
    missing = [name for name in MODULES[extra] if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{program} needs {', '.join(missing)}, not installed here: pip install 'muzero-rc[{extra}]'"
        )
