"""Coded frames of an encode: type, place, qindex and size of each, read out of its packets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from encoder_bridge.encode.layouts import ALTREF, INTER, KEY, SHOW_EXISTING, Records
from encoder_bridge.media.vp9_headers import FrameHeader, parse_header, split_superframe


@dataclass(frozen=True)
class CodedFrames:
    """Columns with one entry a coded frame, in coding order; show-existing frames are left out.

    Attributes:
        frame_type: index into `layouts.FRAME_TYPES`.
        show_index: its place in display order, from 0; see `coded_frames` for when it is not known.
        coded_at: how many frames are shown before it.
        layer: of the pyramid, 0 for frames outside it.
        qindex: as used, 0 to 255.
        bits: without the superframe index.
    """

    frame_type: list[int]
    show_index: list[int]
    coded_at: list[int]
    layer: list[int]
    qindex: list[int]
    bits: list[int]


def move_records(records: Records, *, coded: int, shown: int = 0) -> None:
    """Moves an encode's records to where they are in a longer stream.

    Args:
        records: changed in place.
        coded: how many records further back in coding order.
        shown: how many frames further back in display order.
    """
    decided = records["frame_type"] != SHOW_EXISTING
    records["show_index"][decided] += shown
    records["coding_index"][decided] += coded
    records["ref_coding_index"][records["ref_valid"] != 0] += coded


def coded_frames(packets: Iterable[bytes], records: Iterable[Any]) -> CodedFrames:
    """What packets say of every coded frame; types and places as libvpx named them where it did.

    Without records (libvpx's own rate control) a hidden frame is an alt-ref, all else but key frames is
    inter, and where a hidden frame will be shown is not known: its show_index is then its coded_at.

    Args:
        packets: one a shown frame.
        records: `[N]` of `layouts.RECORD`, or none.
    """
    columns = CodedFrames([], [], [], [], [], [])
    named = [record for record in records if record["frame_type"] != SHOW_EXISTING]
    for coded_at, packet in enumerate(packets):
        for frame in split_superframe(packet):
            header = parse_header(frame)
            if header.show_existing_frame:
                continue
            record = named[len(columns.qindex)] if named else None
            columns.frame_type.append(_type_of(header) if record is None else int(record["frame_type"]))
            columns.show_index.append(coded_at if record is None else int(record["show_index"]))
            columns.layer.append(0 if record is None else int(record["layer"]))
            columns.coded_at.append(coded_at)
            columns.qindex.append(header.base_q_idx)
            columns.bits.append(8 * len(frame))
    return columns


def _type_of(header: FrameHeader) -> int:
    return KEY if header.key else INTER if header.show_frame else ALTREF
