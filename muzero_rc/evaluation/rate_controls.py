"""The rate controls that a report compares: libvpx's own, and policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from muzero_rc.deploy.policy_names import LIBVPX, PolicyRef, UnknownPolicy, resolve
from muzero_rc.utils.file_hash import file_sha256

LIBVPX_VBR = "libvpx-vbr"
LIBVPX_VBR_ARF1 = "libvpx-vbr-arf1"
LIBVPX_Q = "libvpx-q"
LIBVPX_Q_REPLAY = "libvpx-q-replay"


class Kind(Enum):
    """How a rate control comes to its qindexes."""

    VBR = "libvpx's two-pass VBR"
    QUALITY = "libvpx's constant quality"
    REPLAY = "constant quality's qindexes, fed back through the callbacks"
    POLICY = "a policy, through the callbacks"


@dataclass(frozen=True)
class RateControl:
    """One way to choose qindexes, as reports name it.

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


CONSTANT_QUALITY = RateControl(LIBVPX_Q, Kind.QUALITY)
_LIBVPX = {
    LIBVPX: RateControl(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR: RateControl(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR_ARF1: RateControl(LIBVPX_VBR_ARF1, Kind.VBR, auto_alt_ref=1),
    LIBVPX_Q: CONSTANT_QUALITY,
    LIBVPX_Q_REPLAY: RateControl(LIBVPX_Q_REPLAY, Kind.REPLAY),
}


def find_rate_control(name: str) -> RateControl:
    """A rate control by the name that --policy, --baseline and --compare-with take.

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
    return RateControl(policy.name, Kind.POLICY, policy=policy)


def choose_rate_controls(
    policies: Sequence[str], baseline: str, compare_with: Sequence[str], *, auto_alt_ref: int
) -> list[RateControl]:
    """The rate controls of a report, in the order of its tables, each once.

    VBR with auto-alt-ref 1, which is how people run libvpx, is always among them.

    Raises:
        UnknownPolicy: a name that is none, or two policy files of one name.
    """
    names = [baseline, *([] if auto_alt_ref == 1 else [LIBVPX_VBR_ARF1]), *compare_with, *policies]
    if LIBVPX_Q_REPLAY in names:
        names.insert(names.index(LIBVPX_Q_REPLAY), LIBVPX_Q)  # what the replay is held against
    chosen: dict[str, RateControl] = {}
    for name in names:
        found = find_rate_control(name)
        if chosen.setdefault(found.name, found) != found:
            raise UnknownPolicy(f"two different policies are called {found.name}; rename one of the files")
    return list(chosen.values())


def fingerprint(rate_control: RateControl, native_library: Path) -> str:
    """What a rate control's encodes depend on besides libvpx: the policy's file and our C code.

    Empty for libvpx's own rate controls, which our code has no part in.
    """
    if rate_control.kind in (Kind.VBR, Kind.QUALITY):
        return ""
    parts = [native_library]
    if rate_control.policy is not None and rate_control.policy.path is not None:
        parts.append(rate_control.policy.path)
    return " ".join(file_sha256(path) for path in parts)
