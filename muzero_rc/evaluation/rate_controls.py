"""The rate controls that a report compares: libvpx's own, and policies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from encoder_bridge import libvpx
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.errors import BadInput
from muzero_rc.deploy.policy_names import LIBVPX, PolicyRef, UnknownPolicy, resolve
from muzero_rc.utils.file_hash import file_sha256

LIBVPX_VBR = "libvpx-vbr"
LIBVPX_VBR_ARF1 = "libvpx-vbr-arf1"
LIBVPX_VBR_KF_FILTER = "libvpx-vbr-kf-filter"
LIBVPX_Q = "libvpx-q"
LIBVPX_Q_REPLAY = "libvpx-q-replay"
LIBVPX_PER_TITLE = "libvpx-per-title"
LIBVPX_CORPUS = "libvpx-corpus"
KF_FILTER_CPU_USED = 1
"""The fastest at which libvpx filters key frames."""
_AT_CPU_USED = re.compile(r"(.+)@(-?\d)")


class Kind(Enum):
    """How a rate control comes to its qindexes."""

    VBR = "libvpx's two-pass VBR"
    QUALITY = "libvpx's constant quality"
    REPLAY = "constant quality's qindexes, fed back through the callbacks"
    PER_TITLE = "the best of a grid of libvpx's settings for each clip, bisected to the rate"
    CORPUS = "libvpx's corpus VBR, which shares one bitrate among all clips"
    POLICY = "a policy, through the callbacks"


@dataclass(frozen=True)
class RateControl:
    """One way to choose qindexes, as reports name it.

    Attributes:
        auto_alt_ref: differs from the report's own setting where not None.
        policy: of Kind.POLICY.
        cpu_used: differs from the report's own setting where not None.
        key_frame_filtering: whether libvpx filters key frames as it does alt-refs, which it can from 1.15 on.
    """

    name: str
    kind: Kind
    auto_alt_ref: int | None = None
    policy: PolicyRef | None = None
    cpu_used: int | None = None
    key_frame_filtering: bool = False

    @property
    def has_target(self) -> bool:
        """Whether it aims at a bitrate."""
        return self.kind in (Kind.VBR, Kind.PER_TITLE, Kind.POLICY)

    @property
    def base_name(self) -> str:
        """Its name without the cpu-used that it may carry."""
        return base_name(self.name)

    def settings(self, of_report: EncoderConfig) -> EncoderConfig:
        """The encoder's settings under it, which differ from the report's where it says so."""
        own = {"auto_alt_ref": self.auto_alt_ref, "cpu_used": self.cpu_used}
        if self.key_frame_filtering:
            own["key_frame_filtering"] = 1
        return of_report.replace(**{name: value for name, value in own.items() if value is not None})


CONSTANT_QUALITY = RateControl(LIBVPX_Q, Kind.QUALITY)
_LIBVPX = {
    LIBVPX: RateControl(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR: RateControl(LIBVPX_VBR, Kind.VBR),
    LIBVPX_VBR_ARF1: RateControl(LIBVPX_VBR_ARF1, Kind.VBR, auto_alt_ref=1),
    LIBVPX_VBR_KF_FILTER: RateControl(LIBVPX_VBR_KF_FILTER, Kind.VBR, key_frame_filtering=True),
    LIBVPX_Q: CONSTANT_QUALITY,
    LIBVPX_Q_REPLAY: RateControl(LIBVPX_Q_REPLAY, Kind.REPLAY),
    LIBVPX_PER_TITLE: RateControl(LIBVPX_PER_TITLE, Kind.PER_TITLE),
    LIBVPX_CORPUS: RateControl(LIBVPX_CORPUS, Kind.CORPUS),
}


def base_name(name: str) -> str:
    """A rate control's name without the cpu-used that it may carry."""
    found = _AT_CPU_USED.fullmatch(name)
    return found[1] if found else name


def at_cpu_used(rate_control: RateControl, cpu_used: int) -> RateControl:
    """The same with another cpu-used than the report's, under a name that says so."""
    return replace(rate_control, name=f"{rate_control.name}@{cpu_used}", cpu_used=cpu_used)


def find_rate_control(name: str) -> RateControl:
    """A rate control by the name that --policy, --baseline and --compare-with take.

    `NAME@2` is that with cpu-used 2, for those that aim at a bitrate.

    Raises:
        UnknownPolicy: neither one of libvpx's nor a policy, or one that has no other speed.
    """
    if name in _LIBVPX:
        return _LIBVPX[name]
    if found := _AT_CPU_USED.fullmatch(name):
        slower = find_rate_control(found[1])
        if not slower.has_target:
            raise UnknownPolicy(f"{name}: only rate controls that aim at a bitrate have another cpu-used")
        return at_cpu_used(slower, int(found[2]))
    try:
        policy = resolve(name)
    except UnknownPolicy as error:
        extra = ", ".join(sorted(set(_LIBVPX) - {LIBVPX}))
        raise UnknownPolicy(f"{error} (and, in reports, {extra})") from None
    return RateControl(policy.name, Kind.POLICY, policy=policy)


def choose_rate_controls(
    policies: Sequence[str],
    baseline: str,
    compare_with: Sequence[str],
    *,
    auto_alt_ref: int,
    more_cpu_used: Sequence[int] = (),
) -> list[RateControl]:
    """The rate controls of a report, in the order of its tables, each once.

    VBR with auto-alt-ref 1, which is how people run libvpx, is always among them.

    Args:
        policies: under test.
        baseline: what they are compared with.
        compare_with: beside them.
        auto_alt_ref: of the report.
        more_cpu_used: other speeds, at which baseline and policies run too.

    Raises:
        UnknownPolicy: a name that is none, or two policy files of one name.
    """
    names = [baseline, *([] if auto_alt_ref == 1 else [LIBVPX_VBR_ARF1]), *compare_with, *policies]
    if LIBVPX_Q_REPLAY in names:
        names.insert(names.index(LIBVPX_Q_REPLAY), LIBVPX_Q)  # what the replay is held against
    chosen: dict[str, RateControl] = {}
    names += [f"{name}@{speed}" for speed in more_cpu_used for name in (baseline, *policies)]
    for name in names:
        found = find_rate_control(name)
        if chosen.setdefault(found.name, found) != found:
            raise UnknownPolicy(f"two different policies are called {found.name}; rename one of the files")
    return list(chosen.values())


def check_possible(rate_controls: Sequence[RateControl], of_report: EncoderConfig) -> None:
    """Refuses what the libvpx that encodes has not got, or would leave undone.

    Raises:
        BadInput: key frames are to be filtered by a libvpx, or at a cpu-used, that does not do it.
    """
    for one in rate_controls:
        if one.key_frame_filtering:
            libvpx.check_key_frame_filtering(one.name)
            cpu_used, fastest = one.settings(of_report).cpu_used, KF_FILTER_CPU_USED
            if cpu_used > fastest:
                raise BadInput(
                    f"{one.name}: libvpx filters key frames up to cpu-used {fastest}, not at {cpu_used}: use "
                    f"{one.base_name}@{fastest}, or --cpu-used {fastest}"
                )


def fingerprint(rate_control: RateControl, native_library: Path) -> str:
    """What a rate control's encodes depend on besides libvpx: the policy's file and our C code.

    Empty for libvpx's own rate controls, which our code has no part in.
    """
    if rate_control.kind not in (Kind.REPLAY, Kind.POLICY):
        return ""
    parts = [native_library]
    if rate_control.policy is not None and rate_control.policy.path is not None:
        parts.append(rate_control.policy.path)
    return " ".join(file_sha256(path) for path in parts)
