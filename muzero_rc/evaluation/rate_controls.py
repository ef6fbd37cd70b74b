"""The methods that a report compares: libvpx's own rate controls, and policies."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from muzero_rc.deploy.policy_names import LIBVPX, PolicyRef, UnknownPolicy, resolve
from muzero_rc.evaluation.results import LIBVPX_Q, LIBVPX_Q_REPLAY, LIBVPX_VBR, LIBVPX_VBR_ARF1


class Kind(Enum):
    """How a method comes to its qindexes."""

    VBR = "libvpx's two-pass VBR"
    QUALITY = "libvpx's constant quality"
    REPLAY = "constant quality's plan, fed back through the hook"
    POLICY = "a policy, through the hook"


@dataclass(frozen=True)
class Method:
    """One way to encode, as reports name it.

    Attributes:
        auto_alt_ref: differs from the report's own setting where not None.
        policy: of Kind.POLICY.
    """

    name: str
    kind: Kind
    auto_alt_ref: int | None = None
    policy: PolicyRef | None = None

    @property
    def has_target(self) -> bool:
        """Whether it aims at a bitrate; the others take their rates from constant quality."""
        return self.kind in (Kind.VBR, Kind.POLICY)


_LIBVPX = {
    LIBVPX: Method(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR: Method(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR_ARF1: Method(LIBVPX_VBR_ARF1, Kind.VBR, auto_alt_ref=1),
    LIBVPX_Q: Method(LIBVPX_Q, Kind.QUALITY),
    LIBVPX_Q_REPLAY: Method(LIBVPX_Q_REPLAY, Kind.REPLAY),
}


def find_method(name: str) -> Method:
    """A method by the name that --policy, --baseline and --peers take.

    Raises:
        UnknownPolicy: neither one of libvpx's nor a policy.
    """
    if name in _LIBVPX:
        return _LIBVPX[name]
    try:
        policy = resolve(name)
    except UnknownPolicy as error:
        extra = ", ".join(sorted(set(_LIBVPX) - {LIBVPX}))
        raise UnknownPolicy(f"{error} (and, in reports, {extra})") from None
    return Method(policy.name, Kind.POLICY, policy=policy)


def choose_methods(
    policies: Sequence[str], baseline: str, peers: Sequence[str], *, auto_alt_ref: int
) -> list[Method]:
    """The methods of a report, in the order of its tables, each once.

    VBR with auto-alt-ref 1, which is how people run libvpx, always stands beside.

    Raises:
        UnknownPolicy: a name that is none, or two policy files of one name.
    """
    names = [baseline, *([] if auto_alt_ref == 1 else [LIBVPX_VBR_ARF1]), *peers, *policies]
    if LIBVPX_Q_REPLAY in names:
        names.insert(names.index(LIBVPX_Q_REPLAY), LIBVPX_Q)  # what the replay is held against
    chosen: dict[str, Method] = {}
    for name in names:
        method = find_method(name)
        if chosen.setdefault(method.name, method) != method:
            raise UnknownPolicy(f"two different policies are called {method.name}; rename one of the files")
    return list(chosen.values())


def fingerprint(method: Method, native_library: Path) -> str:
    """What a method's encodes depend on besides libvpx: the policy's file and our C code.

    Empty for libvpx's own rate controls, which our code has no part in.
    """
    if method.kind in (Kind.VBR, Kind.QUALITY):
        return ""
    parts = [native_library]
    if method.policy is not None and method.policy.path is not None:
        parts.append(method.policy.path)
    return " ".join(file_sha256(path) for path in parts)


def file_sha256(path: Path) -> str:
    """Of a file's bytes, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
