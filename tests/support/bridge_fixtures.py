"""Small clips, made once."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.env.clips import synthetic_clip
from encoder_bridge.testing.fake_pool import FakePool


@pytest.fixture(scope="session")
def footage(tmp_path_factory):
    """Makes video files: footage("name.mp4", "size=64x48:rate=25", frames, *ffmpeg options)."""
    folder = tmp_path_factory.mktemp("footage")

    def make(name, pattern="size=64x48:rate=25", frames=12, *options, audio=False):
        path = folder / name
        if not path.exists():
            command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc2={pattern}"]
            if audio:
                command += ["-f", "lavfi", "-i", "sine=frequency=440", "-shortest"]
            options = options or ("-c:v", "ffv1", "-pix_fmt", "yuv420p")
            subprocess.run([*command, "-frames:v", str(frames), *options, f"file:{path}"], check=True)
        return path

    return make


@pytest.fixture(scope="session")
def h264(footage):
    """An ordinary file: H.264 with B-frames and AAC in mp4, 176x144, 15 frames."""
    options = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart")
    return footage("ordinary.mp4", "size=176x144:rate=25", 15, *options, audio=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(tmp_path / "cache")


@pytest.fixture(params=[_native.Pool, FakePool], ids=["libvpx", "fake"], scope="session")
def new_pool(request):
    """The real pool and the fake: the same contract."""
    return request.param


@pytest.fixture(scope="session")
def clips():
    """The synthetic clip, 64x48 and 12 frames, with its first pass by each kind of pool."""
    return {pool: synthetic_clip(EncoderConfig(), pool) for pool in (_native.Pool, FakePool)}


@pytest.fixture
def clip(clips, new_pool):
    """The synthetic clip for `new_pool`."""
    return clips[new_pool]


@pytest.fixture
def noise():
    """Random frames: noise(width, height, frames)."""

    def make(width, height, frames):
        size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        return np.random.default_rng(0).integers(0, 255, (frames, size), dtype=np.uint8)

    return make
