"""What an encode gave every coded frame, and the same plan for an encode whose GOPs fell otherwise."""

from collections.abc import Sequence

from encoder_bridge.encode.layouts import ALTREF, INTER, KEY, SHOW_EXISTING
from encoder_bridge.encode.result import EncodeResult, Packet
from encoder_bridge.encode.session import FrameRequest
from encoder_bridge.media.vp9_headers import FrameHeader, parse_header, split_superframe
from muzero_rc.evaluation.results import CodedFrames


def coded_frames(packets: Sequence[Packet], result: EncodeResult) -> CodedFrames:
    """What the packets say of every coded frame; types and places as libvpx named them where it did.

    Without records (libvpx's own rate control) a hidden frame is an alt-ref, all else but key frames is
    inter, and where a hidden frame will be shown is not known: its show_index is then its coded_at.
    """
    columns = CodedFrames([], [], [], [], [], [])
    records = [r for r in result.records if r["frame_type"] != SHOW_EXISTING]
    for coded_at, (_, _, data) in enumerate(packets):
        for frame in split_superframe(data):
            header = parse_header(frame)
            if header.show_existing_frame:
                continue
            record = records[len(columns.qindex)] if records else None
            columns.frame_type.append(_type_of(header) if record is None else int(record["frame_type"]))
            columns.show_index.append(coded_at if record is None else int(record["show_index"]))
            columns.layer.append(0 if record is None else int(record["layer"]))
            columns.coded_at.append(coded_at)
            columns.qindex.append(header.base_q_idx)
            columns.bits.append(8 * len(frame))
    return columns


def qindex_for(plan: CodedFrames, request: FrameRequest) -> int:
    """The qindex that `plan` has for a frame, or for the frame most like it.

    Most alike: hidden, key or shown as it is; then the nearest layer; then the nearest in display order.
    Where the GOPs are the plan's, this is the plan itself.

    Args:
        plan: with true show indexes, so from an encode through the hook.
        request: the frame.
    """

    def distance(i: int) -> tuple[bool, int, int, bool]:
        return (
            _group(plan.frame_type[i]) != _group(request.frame_type),
            abs(plan.layer[i] - request.layer),
            abs(plan.show_index[i] - request.show_index),
            plan.frame_type[i] != request.frame_type,
        )

    return plan.qindex[min(range(len(plan.qindex)), key=distance)]


def _group(frame_type: int) -> int:
    return frame_type if frame_type in (KEY, ALTREF) else INTER


def _type_of(header: FrameHeader) -> int:
    return KEY if header.key else INTER if header.show_frame else ALTREF
