"""A measured encode: one encode of a report, decoded from its file as a player would, and measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from muzero_rc.encoding.farm import is_cancelled
from muzero_rc.encoding.portable_policy import PortablePolicy
from muzero_rc.encoding.qindex_plan import PlanFollower, plan_of_coded_frames
from muzero_rc.evaluation.metrics import optional_of, values_of, wanted
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
        plan: an encode whose qindexes are fed back, without guard, for "plan" and "places".
        first_pass: settings whose first pass serves these too: libvpx's own decisions look neither at the
            alt-ref's filter there nor at what is noted for policies. None: those of `config`.
    """

    clip: VideoFile
    config: EncoderConfig
    mode: str
    plan: CodedFrames | None = None
    first_pass: EncoderConfig | None = None

    def full_config(self) -> EncoderConfig:
        """With the clip's size, frame rate and bit depth."""
        clip = self.clip
        return self.config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)

    def first_pass_config(self) -> EncoderConfig:
        """The settings of the first pass, likewise."""
        config = self.first_pass or self.config
        return config.for_video(self.clip.width, self.clip.height, self.clip.fps)

    def of_file(self, path: Path) -> "EncodeRequest":
        """The same, where the clip's file lies elsewhere."""
        return replace(self, clip=replace(self.clip, path=path))


def first_pass_of(path: Path, request: EncodeRequest) -> FirstPass:
    """The first pass that `request` stands on, from the cache of the machine that this runs on.

    Args:
        path: of the clip's file on that machine.
        request: what to encode.

    Raises:
        BridgeError: it failed, or was cancelled (Cancelled).
    """
    there = request.of_file(path)
    return clip_first_pass(there.clip, there.first_pass_config(), progress=_stop_if_cancelled)


def run_request(
    path: Path,
    request: EncodeRequest,
    policy: PortablePolicy | None,
    first: FirstPass,
    metrics: Sequence[str],
) -> MeasuredEncode:
    """Encodes, decodes and measures; clip, rate control and target are the caller's to fill in.

    Args:
        path: of the clip's file on the machine that this runs on.
        request: what to encode.
        policy: for mode "policy".
        first: see `first_pass_of`.
        metrics: to measure, by their options.

    Raises:
        BridgeError: the encode or the measurement failed, or was cancelled (Cancelled).
    """
    request = request.of_file(path)
    clip, config = request.clip, request.full_config()
    packets: list[Packet] = []
    with ivf_file(clip) as writer:

        def keep(new: list[Packet]) -> None:
            writer.write(new)
            packets.extend(new)

        with open_frames(clip) as frames:
            if request.mode == "places":
                result = _encode_by_place(request, frames, first)
                keep(list(result.packets))
            else:
                result = encode(
                    frames,
                    first,
                    config,
                    mode=request.mode,
                    policy=policy.native if policy else "controller",
                    plan=request.plan.qindex if request.plan else None,
                    on_packets=keep,
                    progress=_stop_if_cancelled,
                )
            frames.check(result.frames)
        writer.flush()
        quality = measure(clip, writer.path, optional=optional_of(wanted(metrics)))
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


def _encode_by_place(request: EncodeRequest, frames: FramePipe, first: FirstPass) -> EncodeResult:
    assert request.plan is not None
    follower = PlanFollower(plan_of_coded_frames(request.plan, named=True))
    with Session(frames, first, request.full_config(), guard=False, keep_packets=True) as session:
        while (asked := session.request()) is not None:
            _stop_if_cancelled()
            session.answer(follower.answer(vars(asked)))
        return session.result()


def _stop_if_cancelled(_: Progress | None = None) -> None:
    """Ends the encode once the farm that runs it is cancelled."""
    if is_cancelled():
        raise Cancelled("interrupted")
