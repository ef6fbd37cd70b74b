"""Pictures of a running episode, drawn with numpy.

From top to bottom, 640 pixels wide: the decoded frame of the last packet that libvpx gave out (black
before the first, and where ffmpeg is missing or cannot decode it); the qindex of every coded frame, 255
at the bottom, with lines at 64, 128 and 192; its bits on a log scale from 8 to 2^24, a line at every
factor of 16. Both are drawn over the place that the frame is shown at; colours by frame type: key red,
hidden alt-ref orange, golden yellow, overlay green, others blue, show-existing grey.
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import ALTREF, GOLDEN, INTER, KEY, OVERLAY, SHOW_EXISTING, Records
from encoder_bridge.encode.result import Packet
from encoder_bridge.errors import BadInput, EncodeFailed, ToolMissing
from encoder_bridge.media.packet_decode import decode_last_frame

FRAMES_PER_SECOND = 30
WIDTH, HEIGHT = 640, 480
_CHART = 96
_GAP = 4
_FRAME_HEIGHT = HEIGHT - 2 * (_CHART + _GAP)
_COLOURS = {
    KEY: (230, 60, 60),
    INTER: (90, 140, 230),
    ALTREF: (240, 150, 40),
    OVERLAY: (70, 190, 90),
    GOLDEN: (240, 220, 60),
    SHOW_EXISTING: (150, 150, 150),
}
_LINE = (60, 60, 60)
_BACKGROUND = (16, 16, 16)
_BITS_LOG2 = (3.0, 24.0)

Picture = npt.NDArray[np.uint8]
"""`[height, width, 3]` RGB."""


def check_render_mode(render_mode: str | None) -> str | None:
    """`render_mode`, if there is such a one.

    Raises:
        BadInput: an unknown one.
    """
    if render_mode not in (None, "rgb_array"):
        raise BadInput(f"render_mode {render_mode} is unknown: use rgb_array or None")
    return render_mode


def draw(records: Records, packets: Sequence[Packet], config: EncoderConfig, frames: int) -> Picture:
    """`[HEIGHT, WIDTH, 3]`: the episode so far.

    Args:
        records: `[N]` of its results so far.
        packets: those that libvpx gave out so far.
        config: of the encode.
        frames: shown frames of the whole clip.
    """
    picture = np.full((HEIGHT, WIDTH, 3), _BACKGROUND, np.uint8)
    if packets:
        since_key = packets[max(i for i, packet in enumerate(packets) if packet[1]) :]
        with suppress(EncodeFailed, ToolMissing):
            frame = decode_last_frame(since_key, config.width, config.height, config.fps)
            _paste(picture[:_FRAME_HEIGHT], frame)
    places = _places(records, frames)
    qindexes = picture[_FRAME_HEIGHT + _GAP :][:_CHART]
    _lines(qindexes, np.array([64, 128, 192]) / 255)
    _columns(qindexes, records, places, records["qindex"] / 255, filled=False)
    bits = picture[_FRAME_HEIGHT + 2 * _GAP + _CHART :]
    low, high = _BITS_LOG2
    _lines(bits, 1 - (np.arange(7, high, 4) - low) / (high - low))
    levels = (np.log2(np.maximum(records["bits"], 1)) - low) / (high - low)
    _columns(bits, records, places, 1 - levels, filled=True)
    return picture


def _paste(area: Picture, frame: Picture) -> None:
    """The frame in the middle of the area, as large as fits, by nearest neighbour."""
    scale = min(area.shape[0] / frame.shape[0], area.shape[1] / frame.shape[1])
    height, width = max(1, int(frame.shape[0] * scale)), max(1, int(frame.shape[1] * scale))
    rows = np.arange(height) * frame.shape[0] // height
    columns = np.arange(width) * frame.shape[1] // width
    top, left = (area.shape[0] - height) // 2, (area.shape[1] - width) // 2
    area[top : top + height, left : left + width] = frame[rows][:, columns]


def _places(records: Records, frames: int) -> npt.NDArray[np.int64]:
    """`[N]` left edges: where the frame of each record is shown."""
    shows = records["show_index"].astype(np.int64)
    shown = np.cumsum(records["frame_type"] != ALTREF) - 1
    shows = np.where(records["frame_type"] == SHOW_EXISTING, shown, shows)
    return np.minimum(shows * WIDTH // max(frames, 1), WIDTH - 1)


def _lines(chart: Picture, heights: npt.NDArray[np.float64]) -> None:
    chart[(heights * (len(chart) - 1)).astype(int)] = _LINE


def _columns(
    chart: Picture,
    records: Records,
    places: npt.NDArray[np.int64],
    heights: npt.NDArray[np.float64],
    *,
    filled: bool,
) -> None:
    """A dash, or a bar down to the ground, for every record; heights from 0 (top) to 1."""
    rows = (np.clip(heights, 0, 1) * (len(chart) - 3)).astype(int)
    for record, left, row in zip(records, places, rows, strict=True):
        if record["frame_type"] == SHOW_EXISTING and not filled:
            continue
        bottom = len(chart) if filled else row + 3
        chart[row:bottom, left : left + 3] = _COLOURS[int(record["frame_type"])]
