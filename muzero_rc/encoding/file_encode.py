"""File encode: a video file in, an output out; rc-encode without its arguments and printing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.ivf import IvfWriter, ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.deploy.policy_names import PolicyRef

OnProgress = Callable[[int, Progress], None]
"""Called a few times a second with the pass and how far it is: 1, then 2, or more with more candidates."""


@dataclass(frozen=True)
class FileEncode:
    """An output file that is whole.

    Attributes:
        result: of the second pass.
        seconds: wall time of both passes and the muxing.
        file_bytes: of the output, audio and container included.
        notes: what of the source is not in it, in words.
    """

    result: EncodeResult
    seconds: float
    file_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def at_floor(self) -> bool:
        """Every frame as coarse as VP9 goes, and still over the target: no encode would have fitted."""
        used = self.result.qindexes
        return bool(used) and min(used) >= 255 and self.result.overshoot > 0


def open_policy(policy: PolicyRef) -> _native.Policy | None:
    """Opens a policy before any work is done; None for libvpx's own rate control.

    Raises:
        BadInput: the file is no policy, or one that this version cannot run.
    """
    if policy.native is None:
        return None
    try:
        return _native.Policy(policy.native)
    except _native.NativeError as error:
        raise BadInput(str(error)) from error


def encode_file(
    clip: VideoFile,
    output: Output,
    *,
    policy: _native.Policy | None,
    config: EncoderConfig,
    audio: str = "copy",
    on_progress: OnProgress | None = None,
) -> FileEncode:
    """Encodes `clip` into `output`, which appears when it is whole.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        policy: from `open_policy`.
        config: the settings; size and frame rate are taken from `clip`.
        audio: "copy" or "none".
        on_progress: see `OnProgress`.

    Raises:
        BadInput: the clip cannot be decoded to its end, or libvpx refuses it.
        EncodeFailed: libvpx or ffmpeg failed, or libvpx never asked for a decision.
    """
    started = time.monotonic()
    config = config.for_video(clip.width, clip.height, clip.fps)
    if policy is None:
        config = config.replace(quick=0)  # libvpx would not read it
    first = clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    with ivf_file(clip) as writer:
        result = second_pass(clip, first, config, writer, policy=policy, progress=of_pass(2, on_progress))
        size, notes = write_output(writer, clip, output, frames=result.frames, audio=audio)
    return FileEncode(result, time.monotonic() - started, size, notes)


def second_pass(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    writer: IvfWriter,
    *,
    policy: _native.Policy | None,
    progress: Callable[[Progress], None] | None = None,
) -> EncodeResult:
    """Encodes `clip` under a policy; all packets are in `writer`'s file afterwards.

    Args:
        clip: as for `encode_file`.
        first: of the clip.
        config: with the clip's size and frame rate.
        writer: takes the packets as they come.
        policy: None is libvpx's own rate control.
        progress: as in `encoder_bridge.encode.run.encode`.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    with open_frames(clip) as frames:
        result = encode(
            frames,
            first,
            config,
            mode="libvpx" if policy is None else "policy",
            policy=policy or "controller",
            on_packets=writer.write,
            progress=progress,
        )
        frames.check(result.frames)
    if policy is not None and not result.outcome["decisions"]:
        raise EncodeFailed("libvpx never asked for a qindex: the policy had no say, nothing was written")
    writer.flush()
    return result


def mean_qindex(result: EncodeResult) -> float | None:
    """Mean over coded frames; None for libvpx's own rate control, which does not tell."""
    return float(np.mean(result.qindexes)) if result.qindexes else None


def of_pass(number: int, on_progress: OnProgress | None) -> Callable[[Progress], None] | None:
    """What takes the progress of one pass."""
    if on_progress is None:
        return None
    return lambda progress: on_progress(number, progress)
