"""What several tests of encodes need: a clip with more than one key frame."""

import subprocess

import numpy as np
import pytest
from support.scene_samples import FRAMES, SCENES

from encoder_bridge.media.decode import open_clip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Three scenes, the last one of noise."""
    path = tmp_path_factory.mktemp("film") / "scenes.mkv"
    sources = ("testsrc2", "mandelbrot", "testsrc2")
    filters = ("null", "null", "rotate=0.4,noise=alls=50:allf=t:all_seed=3")
    ends = np.diff([*SCENES, FRAMES])
    graph = ";".join(
        f"[{i}:v]format=yuv420p,setsar=1,{filters[i]},trim=end_frame={ends[i]},setpts=PTS-STARTPTS[s{i}]"
        for i in range(3)
    )
    inputs = [word for one in sources for word in ("-f", "lavfi", "-i", f"{one}=s=96x64:r=25")]
    command = ["ffmpeg", "-v", "error", *inputs, "-filter_complex", f"{graph};[s0][s1][s2]concat=n=3"]
    subprocess.run([*command, "-c:v", "ffv1", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def clip(scenes):
    with open_clip(scenes) as opened:
        yield opened
