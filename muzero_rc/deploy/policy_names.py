"""Policy names: what ships, what is always there, and which file a name stands for."""

from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.errors import UserError

LIBVPX = "libvpx"
CONTROLLER = "controller"
SHAPES = "shapes"
"""The shipped policy that learned the lengths of GOPs."""
LEARNED = "default"
"""The shipped policy that learned qindexes; its name is from when it was what ran if none was named."""
_SHIPPED = Path(__file__).parents[1] / "policies"
_SUFFIX = ".safetensors"


class UnknownPolicy(UserError):
    """Neither a known name nor a file; the message names what there is."""


@dataclass(frozen=True)
class PolicyRef:
    """A policy that exists.

    Attributes:
        name: what people call it, and what reports print.
        native: what the C extension opens: "controller" or a path; None for libvpx's own rate control.
    """

    name: str
    native: str | None

    @property
    def path(self) -> Path | None:
        """The policy's file, None for the two that need none."""
        return None if self.native in (None, CONTROLLER) else Path(str(self.native))


def shipped() -> dict[str, Path]:
    """Policies that come with the package, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob(f"*{_SUFFIX}"))}


def default_name() -> str:
    """The policy that runs when none is named: the learned one that beats the controller on unseen clips.

    LEARNED is not what this returns, though it is called `default`: it does not.
    """
    return SHAPES


def resolve(name: str) -> PolicyRef:
    """Finds a policy by name or path; a file of that name wins only when it looks like a path.

    Raises:
        UnknownPolicy: there is none of this name.
    """
    if name == LIBVPX:
        return PolicyRef(LIBVPX, None)
    if name == CONTROLLER:
        return PolicyRef(CONTROLLER, CONTROLLER)
    known = shipped()
    if name in known:
        return PolicyRef(name, str(known[name]))
    path = Path(name)
    if path.is_file():
        return PolicyRef(path.stem, str(path.resolve()))
    if path.is_dir():
        raise UnknownPolicy(f"policy {name} is a folder; give a {_SUFFIX} file or one of {_names(known)}")
    raise UnknownPolicy(f"unknown policy {name!r}; there are {_names(known)}, or give a {_SUFFIX} file")


def resolve_deciding(name: str) -> PolicyRef:
    """The same for what needs decisions; its `native` is not None.

    Raises:
        UnknownPolicy: there is none of this name, or it is libvpx's own rate control.
    """
    found = resolve(name)
    if found.native is None:
        raise UnknownPolicy("libvpx's own rate control is no policy: name another")
    return found


def _names(known: dict[str, Path]) -> str:
    return ", ".join((LIBVPX, CONTROLLER, *known))
