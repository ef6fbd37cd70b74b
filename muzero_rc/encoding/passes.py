"""Passes: one encode of a video file each, into a scratch file."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import FilmPart
from encoder_bridge.encode.first_pass import with_durations
from encoder_bridge.encode.gop_shapes import Shapes
from encoder_bridge.encode.pool import STALL_S
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.session import Session
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.probe import VideoFile
from muzero_rc.deploy.policy_names import PolicyRef
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan

OnProgress = Callable[[int, Progress], None]
"""Called a few times a second with the pass and how far it is: 1, then 2, or more with more candidates;
rehearsals are pass 0."""
_TICK_S = 0.2


class PacketSink(Protocol):
    """What takes packets; an `IvfWriter`."""

    def write(self, packets: Sequence[Packet], /) -> None:
        """Takes some, in their order."""

    def flush(self) -> None:
        """All of them are where they belong afterwards."""


class NoPackets:
    """A sink for packets that nobody wants."""

    def write(self, packets: Sequence[Packet], /) -> None:
        """Forgets them."""

    def flush(self) -> None:
        """There is nothing left to do."""


def open_policy(policy: PolicyRef) -> _native.Policy | None:
    """Opens a policy before any work is done; None for libvpx's own rate control.

    Raises:
        BadInput: the file is no policy, or one that this version cannot run.
    """
    if policy.native is None:
        return None
    try:
        with _utf8_path(policy.native) as path:
            return _native.Policy(path)
    except _native.NativeError as error:
        raise BadInput(str(error)) from error


@contextmanager
def _utf8_path(path: str) -> Iterator[str]:
    """`path`, or another one to the same file where its name is no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        with Path(path).open("rb") as file:
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        yield path


def second_pass(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    writer: PacketSink,
    *,
    policy: _native.Policy | None,
    shapes: Shapes | None = None,
    part: FilmPart | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> EncodeResult:
    """Encodes `clip` under a policy; all packets are in `writer`'s file afterwards.

    Args:
        clip: as for `encode_file`.
        first: of the clip.
        config: with the clip's size and frame rate.
        writer: takes the packets as they come.
        policy: None is libvpx's own rate control.
        shapes: of the GOPs, in place of the policy's.
        part: of the clip, to be encoded alone; `first` is its own.
        progress: as in `encoder_bridge.encode.run.encode`.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    with open_frames(clip, part=_range(part)) as frames:
        result = encode(
            frames,
            _timed(first, clip, config),
            config,
            mode="libvpx" if policy is None else "policy",
            policy=policy or "controller",
            shapes=shapes,
            part=part,
            on_packets=writer.write,
            progress=progress,
        )
        frames.check(result.frames)
    if policy is not None and not result.outcome["decisions"]:
        raise EncodeFailed("libvpx never asked for a qindex: the policy had no say, nothing was written")
    writer.flush()
    return result


def played_pass(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    writer: PacketSink,
    plan: QindexPlan,
    progress: Callable[[Progress], None] | None,
    *,
    part: FilmPart | None = None,
) -> EncodeResult:
    """A second pass that follows a plan under the guard; all packets are in `writer`'s file afterwards."""
    follower, told, shapes = PlanFollower(plan), 0.0, plan.shapes or None
    with (
        open_frames(clip, part=_range(part)) as frames,
        Session(
            frames,
            _timed(first, clip, config),
            config,
            shapes=shapes,
            part=part,
            keep_packets=True,
            timeout_s=STALL_S,
        ) as session,
    ):
        while (request := session.request()) is not None:
            session.answer(follower.answer(vars(request)))
            writer.write(session.packets())
            if progress is not None and time.monotonic() - told > _TICK_S:
                progress(session.progress())
                told = time.monotonic()
        writer.write(session.packets())
        result = session.result()
        frames.check(result.frames)
    writer.flush()
    return result


def _timed(first: FirstPass, clip: VideoFile, config: EncoderConfig) -> FirstPass:
    """Peaks are of real time: where frames are not shown equally long, the guard is told how long."""
    if not config.max_kbps or not clip.times:
        return first
    return with_durations(first, clip.shown_seconds[: first.frames])


def _range(part: FilmPart | None) -> tuple[int, int] | None:
    return None if part is None else (part.first, part.frames)


def of_pass(number: int, on_progress: OnProgress | None) -> Callable[[Progress], None] | None:
    """What takes the progress of one pass."""
    if on_progress is None:
        return None
    return lambda progress: on_progress(number, progress)
