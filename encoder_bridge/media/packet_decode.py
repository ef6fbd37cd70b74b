"""Decoding packets that are in memory, for looking at."""

import io
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import EncodeFailed
from encoder_bridge.media.ffmpeg import last_complaint, program
from encoder_bridge.media.ivf import IvfWriter


def decode_last_frame(
    packets: Sequence[tuple[int, int, bytes]], width: int, height: int, fps: Fraction
) -> npt.NDArray[np.uint8]:
    """`[height, width, 3]` RGB of the last packet's frame.

    Args:
        packets: (pts, key, data) in display order, the first one a key frame.
        width: luma pixels.
        height: luma pixels.
        fps: frames per second.

    Raises:
        EncodeFailed: ffmpeg could not decode them.
        ToolMissing: there is no ffmpeg.
    """
    ivf = io.BytesIO()
    IvfWriter(ivf, Path("packets.ivf"), width, height, fps).write(packets)
    command = [program("ffmpeg"), "-v", "error", "-f", "ivf", "-i", "pipe:0"]
    command += ["-vf", f"trim=start_frame={len(packets) - 1}", "-frames:v", "1"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    done = subprocess.run(command, input=ivf.getvalue(), capture_output=True, check=False)
    if done.returncode or len(done.stdout) != width * height * 3:
        raise EncodeFailed(
            f"ffmpeg cannot decode the packets: {last_complaint(done.stderr.decode(errors='replace'))}"
        )
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width, 3)
