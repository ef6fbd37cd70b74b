"""Peaks: every stretch of packets is summed here, of a clip whose middle is far harder than the rest."""

import numpy as np
import pytest
from support.libvpx_releases import system

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass, with_durations
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput
from encoder_bridge.media.leaky_bucket import fullest_bits

WIDTH, HEIGHT, FPS, KBPS = 96, 80, 25, 120
SCENES = (("easy", 30), ("hard", 30), ("easy", 15))


def hard_scene_in_the_middle():
    random, rows, columns = np.random.default_rng(3), *np.mgrid[0:HEIGHT, 0:WIDTH]
    texture = random.integers(0, 256, (HEIGHT, 3 * WIDTH)).astype(float)
    frames = []
    for kind, count in SCENES:
        for t in range(count):
            luma = 100 + 40 * np.sin((columns + t) / 20) + 20 * np.cos(rows / 15)
            if kind == "hard":
                luma = 60 + texture[:, 3 * t : 3 * t + WIDTH] / 2 + random.normal(0, 10, (HEIGHT, WIDTH))
            chroma = np.full(WIDTH * HEIGHT // 2, 128)
            frames.append(np.concatenate([luma.ravel(), chroma]).clip(0, 255).astype(np.uint8))
    return np.stack(frames)


def highest_need(sizes, times, kbps):
    """Bits that the worst stretch takes above `kbps` over its time, by trying every stretch."""
    return max(
        8 * sum(sizes[first : last + 1]) - 1000 * kbps * (times[last] - times[first])
        for first in range(len(sizes))
        for last in range(first, len(sizes))
    )


@pytest.fixture(scope="module")
def clip():
    frames = hard_scene_in_the_middle()
    config = EncoderConfig(
        width=WIDTH, height=HEIGHT, timebase_den=FPS, target_kbps=KBPS, cpu_used=5, quick=0
    )
    return frames, config, first_pass(frames, config)


def sizes_of(result):
    return [int(size) for size in result.shown["bytes"]]


EVEN = [frame / FPS for frame in range(sum(count for _, count in SCENES))]


def test_libvpx_misses_by_far_what_the_guard_keeps(clip):
    frames, config, first = clip
    alone = encode(frames, first, config, mode="libvpx")
    free = encode(frames, first, config)
    # From 1.15 on the alt-ref filter takes noise of the hard scene away, and bits with it: 1.31 to 1.45.
    missed = 1.25 if system().by_index else 1.4
    assert highest_need(sizes_of(alone), EVEN, KBPS) > missed * 1000 * KBPS
    assert highest_need(sizes_of(free), EVEN, KBPS) > 1.1 * 1000 * KBPS
    for auto_alt_ref, max_kbps, buffer_kbits in ((6, KBPS, KBPS), (1, KBPS, KBPS), (6, 180, 90)):
        peak = config.replace(max_kbps=max_kbps, buffer_kbits=buffer_kbits, auto_alt_ref=auto_alt_ref)
        held = encode(frames, first, peak)
        need = highest_need(sizes_of(held), EVEN, max_kbps)
        assert 0.4 * 1000 * buffer_kbits < need < 1000 * buffer_kbits
        assert held.fill <= 1


def test_a_plan_is_held_too(clip):
    frames, config, first = clip
    from encoder_bridge.encode.session import Session

    peak = config.replace(max_kbps=KBPS, buffer_kbits=KBPS, target_kbps=10 * KBPS)
    with Session(frames, first, peak) as session:
        while (request := session.request()) is not None:
            session.answer(max(1, request.q_ref - 30))
        result = session.result()
    assert highest_need(sizes_of(result), EVEN, KBPS) < 1000 * KBPS


def test_where_no_qindex_fits_it_is_255(clip):
    frames, config, first = clip
    result = encode(frames, first, config.replace(max_kbps=1, buffer_kbits=1))
    assert set(result.qindexes) == {255}


def test_peaks_are_of_real_time(clip):
    frames, config, first = clip
    shown = [0.2 / FPS if frame % 4 else 3.4 / FPS for frame in range(len(frames))]
    times = [0.0, *np.cumsum(shown)[:-1].tolist()]
    timed = with_durations(first, shown)
    assert np.floor(timed.stats[:, 23]).sum() == pytest.approx(np.floor(first.stats[:, 23]).sum(), rel=0.02)
    peak = config.replace(max_kbps=KBPS, buffer_kbits=KBPS)
    held = encode(frames, timed, peak)
    assert highest_need(sizes_of(held), times, KBPS) < 1000 * KBPS
    packets = list(zip(sizes_of(held), shown, strict=True))
    assert fullest_bits(packets, KBPS) == pytest.approx(highest_need(sizes_of(held), times, KBPS))


def test_a_peak_needs_both_numbers():
    with pytest.raises(BadInput, match="both"):
        EncoderConfig(width=WIDTH, height=HEIGHT, max_kbps=100).check_target()
