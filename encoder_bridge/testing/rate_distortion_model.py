"""Rate-distortion model of the fake encoder: which frames are coded, and what a qindex costs and gives.

PSNR is linear in log step, and log bits are linear in log step and log residual, with coefficients
by kind of frame. They and the statistics are such that the controller's q_ref makes sense here too.
Simple enough to know the optimum, see `toy`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import ALTREF, GOLDEN, INTER, KEY, OVERLAY, SHOW_EXISTING

DB_PER_STEP = 4.0
"""PSNR lost when the quantiser step doubles."""
_GOP_FRAMES = 12
_DEPENDENCE = 0.15
"""How much a coarse alt-ref adds to the bits of the frames that refer to it, in halvings a step."""


class BitsLaw(NamedTuple):
    """log2 of a frame's bits a pixel, at step 2**4.8 and a residual of 1, and how it moves."""

    start: float
    a_residual: float
    """For each doubling of the residual."""
    a_step: float
    """For each doubling of the quantiser step, downwards."""


_LEAF = BitsLaw(-1.4, 0.6, 1.25)
_KEY = BitsLaw(-0.9, 0.5, 1.1)
_ALTREFS = (BitsLaw(0.0, 0.65, 1.1), BitsLaw(-0.8, 0.65, 1.2), BitsLaw(-1.2, 0.6, 1.2))
_OVERLAY = BitsLaw(-6.4, 0.0, 0.1)


def quantiser_step(qindex: int) -> float:
    """log2 of VP9's AC step in pixels, to a few per cent: linear below qindex 98, exponential above."""
    return math.log2((7 + qindex if qindex <= 98 else 102 * math.exp(0.0184 * (qindex - 95))) / 4)


@dataclass(frozen=True)
class CodedFrame:
    """One result of the fake encoder: a coded frame, or a show-existing one."""

    frame_type: int
    show_index: int
    gop_index: int
    shown: bool
    layer: int


def packet_bytes(bits: float) -> int:
    """Whole bytes of a coded frame, at least two."""
    return max(2, round(bits / 8))


def schedule(frames: int, config: EncoderConfig) -> list[CodedFrame]:
    """What is coded for `frames` shown frames, in coding order, in libvpx's manner."""
    return schedule_gops(frames, config)[0]


def schedule_gops(
    frames: int, config: EncoderConfig, shapes: Sequence[GopShape] = ()
) -> tuple[list[CodedFrame], list[tuple[int, int]]]:
    """The same in GOPs of given shapes.

    Args:
        frames: how many.
        config: of the encode.
        shapes: of the first GOPs; their filter is nothing to the fake.

    Returns:
        The coded frames; and of each GOP how many of them come before it, and the show index of the
        frame that begins it: a key frame, or the last of the GOP before.
    """
    coded: list[CodedFrame] = []
    gops: list[tuple[int, int]] = []
    key_distance = max(config.kf_max_dist, 1)
    hidden = config.auto_alt_ref > 0 and config.lag_in_frames > 1
    longest = min(_GOP_FRAMES, config.lag_in_frames) if hidden else _GOP_FRAMES
    start = 0
    while start < frames:
        shape = shapes[len(gops)] if len(gops) < len(shapes) else GopShape()
        gops.append((len(coded), start - (start % key_distance != 0)))
        if start % key_distance == 0:
            coded.append(CodedFrame(KEY, start, 0, True, 0))
            start += 1
        next_key = (start + key_distance - 1) // key_distance * key_distance
        end = min(start + (shape.length or longest), frames, next_key)
        if hidden and end - start >= 4:
            layers = shape.layers if shape.layers > 0 else config.auto_alt_ref
            _code_hidden_gop(coded, start, end - 1, layers)
        else:
            _code_plain_gop(coded, start, end)
        start = end
    return coded, gops


def _code_plain_gop(coded: list[CodedFrame], start: int, end: int) -> None:
    """Shown frames start ... end - 1; a golden frame leads unless a key frame just did."""
    golden = coded[-1].frame_type != KEY
    for show in range(start, end):
        if show == start and golden:
            coded.append(CodedFrame(GOLDEN, show, 0, True, 1))
        else:
            coded.append(CodedFrame(INTER, show, show - start + (not golden), True, 2))


def _code_hidden_gop(coded: list[CodedFrame], start: int, end: int, levels: int) -> None:
    """A hidden alt-ref of frame `end`, what lies before it, then `end` is shown."""
    position = 0

    def code(frame_type: int, show: int, shown: bool, layer: int) -> None:
        nonlocal position
        position += 1
        coded.append(CodedFrame(frame_type, show, position, shown, layer))

    def inside(low: int, high: int, layer: int) -> None:
        if layer < levels and high - low >= 4:
            middle = (low + high) // 2
            code(ALTREF, middle, False, layer + 1)
            inside(low, middle, layer + 1)
            code(SHOW_EXISTING, middle, True, layer + 1)
            inside(middle + 1, high, layer + 1)
        else:
            for show in range(low, high):
                code(INTER, show, True, levels + 1)

    code(ALTREF, end, False, 1)
    inside(start, end, 1)
    overlay = OVERLAY if levels == 1 else SHOW_EXISTING
    coded.append(CodedFrame(overlay, end, 0, True, 1))


class FakeClip:
    """Residuals of every frame, and libvpx-like first-pass statistics made of them."""

    def __init__(self, luma: npt.NDArray[np.uint8]) -> None:
        """`luma`: `[T, height, width]`."""
        planes = luma.astype(np.float32)
        across = np.diff(planes, axis=2) if planes.shape[2] > 1 else np.zeros((len(luma), 1, 1), np.float32)
        intra = np.asarray(np.mean(across**2, axis=(1, 2), dtype=np.float64)) + 1.0
        change = np.mean((planes[1:] - planes[:-1]) ** 2, axis=(1, 2), dtype=np.float64) + 1.0
        inter = np.concatenate([intra[:1], np.minimum(change, intra[1:])])
        self.intra_rms = np.sqrt(intra)
        """`[T]` residual of a frame that refers to nothing."""
        self.inter_rms = np.sqrt(inter)
        """`[T]` of one that refers to the frame before."""
        self.pixels = int(luma.shape[1] * luma.shape[2])

    def stats(self, ticks_per_frame: float) -> npt.NDArray[np.float64]:
        """`[T, 25]` in `vpx_rc_frame_stats_t`'s order; what has no meaning here is 0.

        Of the size that libvpx's have, and they tell the truth about this world: that no frame
        inherits quality and that key frames are nothing special.
        """
        stats = np.zeros((len(self.intra_rms), 25))
        stats[:, 0] = np.arange(len(stats))
        stats[:, 1] = 1.0  # weight
        stats[:, 3] = 35.0 * self.inter_rms  # coded error
        stats[1:, 2] = 1.1 * stats[1:, 3]  # intra error
        stats[:, 4] = 1.2 * stats[:, 3]  # coded error against the frame before the last
        stats[:, 5] = 250.0  # noise energy, libvpx's default
        stats[:, 6], stats[:, 7] = 0.3, 1.0  # shares of inter blocks, and of moving ones
        stats[:, 23], stats[:, 24] = ticks_per_frame, 1.0
        return stats

    def bits(self, frame: CodedFrame, qindex: int, altref_qindex: int | None) -> float:
        """What coding a frame costs.

        Args:
            frame: not a show-existing one.
            qindex: of this frame.
            altref_qindex: of the hidden frame that it refers to, if any.
        """
        law, rms = self._law(frame)
        step = quantiser_step(qindex)
        log_bits = law.start + law.a_residual * math.log2(rms) - law.a_step * (step - 4.8)
        if altref_qindex is not None and frame.frame_type == INTER:
            log_bits += _DEPENDENCE * (quantiser_step(altref_qindex) - step)
        return float(self.pixels * 2.0**log_bits)

    def _law(self, frame: CodedFrame) -> tuple[BitsLaw, float]:
        show = frame.show_index
        if frame.frame_type == KEY:
            return _KEY, float(self.intra_rms[show])
        if frame.frame_type == ALTREF:
            return _ALTREFS[min(frame.layer, 3) - 1], float(self.inter_rms[show])
        return _OVERLAY if frame.frame_type == OVERLAY else _LEAF, float(self.inter_rms[show])

    def psnr_db(self, show_index: int, qindex: int) -> float:
        """Luma PSNR of a shown frame that was coded with `qindex`."""
        return 62.0 - math.log2(self.inter_rms[show_index]) - DB_PER_STEP * quantiser_step(qindex)

    def sse_y(self, show_index: int, qindex: int) -> int:
        """Luma squared error of that frame."""
        return round(self.pixels * 255.0**2 * 10 ** (-self.psnr_db(show_index, qindex) / 10))
