"""Two libvpx in one process, one that vanishes, and statistics of the one for the other."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.libvpx_releases import CACHE, VERSIONS, Libvpx, system
from support.native_samples import finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native
from encoder_bridge.libvpx import CHOICE

WIDTH, HEIGHT, FRAMES = 64, 48, 16
CONFIG = settings(WIDTH, HEIGHT)


@contextmanager
def opened() -> Iterator[_native.Pool]:
    """A pool of the libvpx that is open now, and keeps it."""
    pool = _native.Pool(1)
    yield pool
    pool.close()


def statistics() -> bytes:
    with opened() as pool:
        return first_pass(pool, CONFIG, moving_texture(WIDTH, HEIGHT, FRAMES))


def second_pass(blob: bytes) -> list[bytes]:
    with opened() as pool:
        return packets_with(pool, blob)


def packets_with(pool: _native.Pool, blob: bytes) -> list[bytes]:
    policy = _native.Policy("controller")
    pool.start(
        0,
        CONFIG,
        moving_texture(WIDTH, HEIGHT, FRAMES),
        stats=blob,
        mode="policy",
        policy=policy,
        keep_packets=True,
    )
    finish(pool, 0)
    return packets_of(pool, 0)


def both_passes() -> list[bytes]:
    return second_pass(statistics())


def another(than: Libvpx, *, same_statistics: bool) -> str:
    """The path of a release whose statistics are laid out as those of `than`, or otherwise."""
    new = than.number >= (1, 14)
    for version in VERSIONS:
        is_new = tuple(map(int, version.split("."))) >= (1, 14)
        path = system().path if version == system().version else str(CACHE / version / "libvpx.so")
        if version != than.version and (is_new == new) == same_statistics and Path(path).is_file():
            return path
    kind = "as" if same_statistics else "unlike"
    pytest.skip(f"no other libvpx is here with statistics laid out {kind} those of {than.version}")


def test_statistics_of_another_layout_are_refused_in_a_line(libvpx: Libvpx) -> None:
    blob = statistics()
    _native.open_libvpx(another(libvpx, same_statistics=False))
    with pytest.raises(
        ValueError, match=r"^cannot start the encode: not the statistics of .* by this libvpx"
    ):
        second_pass(blob)


def test_statistics_of_the_same_layout_serve_another_release(libvpx: Libvpx) -> None:
    blob = statistics()
    _native.open_libvpx(another(libvpx, same_statistics=True))
    assert len(second_pass(blob)) == FRAMES


def test_an_encode_keeps_the_one_that_it_began_with(libvpx: Libvpx) -> None:
    expected = both_passes()
    with opened() as pool:
        blob = first_pass(pool, CONFIG, moving_texture(WIDTH, HEIGHT, FRAMES))
        _native.open_libvpx(another(libvpx, same_statistics=False))
        assert packets_with(pool, blob) == expected


def test_each_of_two_in_one_process_encodes_as_it_does_alone(libvpx: Libvpx) -> None:
    alone = both_passes()
    _native.open_libvpx(another(libvpx, same_statistics=False))
    both_passes()
    _native.open_libvpx(libvpx.path)
    assert both_passes() == alone


def test_one_that_vanishes_between_the_passes_encodes_to_the_end(libvpx: Libvpx, tmp_path: Path) -> None:
    expected, gone = both_passes(), tmp_path / "libvpx.so"
    shutil.copy(libvpx.path, gone)
    _native.open_libvpx(str(gone))
    blob = statistics()
    gone.unlink()
    assert second_pass(blob) == expected
    done = subprocess.run(
        [sys.executable, "-m", "muzero_rc.cli.encode", "in.y4m", "-o", "out.webm", "--bitrate", "100k"],
        env=os.environ | {CHOICE: str(gone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{gone}: cannot open shared object file" in done.stderr


def test_pyavs_own_libvpx_beside_ours(libvpx: Libvpx) -> None:
    av = pytest.importorskip("av")
    before = both_passes()
    encoder = av.CodecContext.create("libvpx-vp9", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = WIDTH, HEIGHT, "yuv420p", 25
    pixels = moving_texture(WIDTH, HEIGHT, 1).reshape(HEIGHT * 3 // 2, WIDTH)
    packets = [
        p
        for f in (av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "yuv420p"), None)
        for p in encoder.encode(f)
    ]
    assert len(packets) == 1
    assert both_passes() == before
