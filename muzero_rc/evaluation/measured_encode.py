"""A measured encode: one encode of a report, decoded from its file as a player would, and measured."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.session import Session
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.errors import BridgeError
from encoder_bridge.media.bitrate import bitrate_kbps
from encoder_bridge.media.decode import FramePipe, open_frames
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.quality import measure
from muzero_rc.encoding.coded_frames import CodedFrames, coded_frames
from muzero_rc.encoding.qindex_plan import PlanFollower, plan_of_coded_frames
from muzero_rc.evaluation.metrics import Metric, optional_of, values_of
from muzero_rc.evaluation.results import MeasuredEncode


class Cancelled(BridgeError):
    """The evaluation was interrupted."""


@dataclass(frozen=True)
class EncodeRequest:
    """Everything that one encode depends on.

    Attributes:
        config: settings with the target; size and frame rate come from `clip`.
        mode: "libvpx", "policy" or "plan", see `encoder_bridge.encode.run.encode`; or "places": `plan`,
            matched frame by frame where libvpx may choose other GOPs.
        policy: opened, for "policy".
        plan: an encode whose qindexes are fed back, without guard, for "plan" and "places".
        first_pass: settings whose first pass serves these too: libvpx's own decisions look neither at the
            alt-ref's filter there nor at what is noted for policies. None: those of `config`.
    """

    clip: VideoFile
    config: EncoderConfig
    mode: str
    policy: _native.Policy | None = None
    plan: CodedFrames | None = None
    first_pass: EncoderConfig | None = None

    def full_config(self) -> EncoderConfig:
        """With the clip's size and frame rate."""
        return self.config.for_video(self.clip.width, self.clip.height, self.clip.fps)


def first_pass_of(request: EncodeRequest, cancelled: threading.Event) -> FirstPass:
    """The first pass that `request` stands on, from the cache when it is there."""
    config = request.first_pass or request.full_config()
    return clip_first_pass(request.clip, config, progress=_stops(cancelled))


def run_request(
    request: EncodeRequest, first: FirstPass, *, metrics: Sequence[Metric], cancelled: threading.Event
) -> MeasuredEncode:
    """Encodes, decodes and measures; clip, rate control and target are the caller's to fill in.

    Args:
        request: what to encode.
        first: see `first_pass_of`.
        metrics: to measure.
        cancelled: set by another thread to end the encode soon.

    Raises:
        BridgeError: the encode or the measurement failed, or was cancelled (Cancelled).
    """
    clip, config = request.clip, request.full_config()
    packets: list[Packet] = []
    with ivf_file(clip) as writer:

        def keep(new: list[Packet]) -> None:
            writer.write(new)
            packets.extend(new)

        with open_frames(clip) as frames:
            if request.mode == "places":
                result = _encode_by_place(request, frames, first, cancelled)
                keep(list(result.packets))
            else:
                result = encode(
                    frames,
                    first,
                    config,
                    mode=request.mode,
                    policy=request.policy or "controller",
                    plan=request.plan.qindex if request.plan else None,
                    on_packets=keep,
                    progress=_stops(cancelled),
                )
            frames.check(result.frames)
        writer.flush()
        quality = measure(clip, writer.path, optional=optional_of(metrics))
    return MeasuredEncode(
        clip="",
        rate_control="",
        target_kbps=None,
        cq_level=None,
        kbps=bitrate_kbps(sum(len(data) for _, _, data in packets), len(packets), clip.fps),
        metrics=values_of(quality),
        frames=len(packets),
        fps=float(clip.fps),
        encode_s=result.encode_s,
        guarded=result.guarded,
        coded=coded_frames((data for _, _, data in packets), result.records),
    )


def _encode_by_place(
    request: EncodeRequest, frames: FramePipe, first: FirstPass, cancelled: threading.Event
) -> EncodeResult:
    assert request.plan is not None
    follower = PlanFollower(plan_of_coded_frames(request.plan, named=True))
    with Session(frames, first, request.full_config(), guard=False, keep_packets=True) as session:
        while (asked := session.request()) is not None:
            if cancelled.is_set():
                raise Cancelled("interrupted")
            session.answer(follower.answer(vars(asked)))
        return session.result()


def _stops(cancelled: threading.Event) -> Callable[[Progress], None]:
    """A progress callback that ends the encode once `cancelled` is set."""

    def check(_: Progress) -> None:
        if cancelled.is_set():
            raise Cancelled("interrupted")

    return check
