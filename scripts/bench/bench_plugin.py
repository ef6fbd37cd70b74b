"""The plugin's part of make bench: what a policy costs inside an encoder.

Times are the best of runs that take turns. The policy is the d = 128 network of configs/paper.toml,
with random weights: the cost does not depend on their values.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from bench import LARGE, Row, best, children_s, decode, show

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.run import encode
from muzero_rc.agent.networks import make_networks
from muzero_rc.config.toml_io import load_config
from muzero_rc.deploy.policy_export import export_policy
from muzero_rc.deploy.preload import find_places, measure_speed, preload_environment
from muzero_rc.types import Widths

FRAMES = 50
CONFIG = Path(__file__).parents[2] / "configs" / "paper.toml"


def write_policy(path: Path) -> Path:
    """A policy file of the largest network that ships."""
    widths = Widths.of(_native)
    network = load_config(CONFIG, []).network
    shapes = jax.eval_shape(make_networks(network, widths).init, jax.random.PRNGKey(0))
    rng = np.random.default_rng(0)
    params = jax.tree_util.tree_map(lambda x: rng.normal(0, 0.1, x.shape).astype(np.float32), shapes)
    version = int(_native.versions()["feature_version"])
    export_policy(path, params, network, widths, version, {"made by": "make bench"})
    return path


def decision_costs(policy: Path) -> list[Row]:
    """One decision, and all of an encode against the encode."""
    speeds = [measure_speed(find_places().library, str(policy)) for _ in range(5)]
    median_us, p99_us = min(s.median_us for s in speeds), min(s.p99_us for s in speeds)
    open_us = min(s.open_us for s in speeds)
    clip = np.frombuffer(decode(LARGE, FRAMES, "-f", "rawvideo"), np.uint8).reshape(FRAMES, -1)
    config = EncoderConfig(width=LARGE[0], height=LARGE[1], cpu_used=4, target_kbps=600)
    done = encode(clip, first_pass(clip, config), config, policy=str(policy))
    policy_s = 1e-6 * (done.outcome["decisions"] * median_us + FRAMES * open_us)
    share = policy_s / done.outcome["encode_seconds"]
    return [
        ("policy and features, share of pass 2's CPU time, 480p, cpu-used 4", f"{share:.3%}", "at most 1 %"),
        ("decision, median, d = 128", f"{median_us:.1f} us", "at most 100 us"),
        ("decision, p99, d = 128", f"{p99_us:.1f} us", "at most 300 us"),
    ]


class _Clip(ctypes.Structure):
    """muzero_rc_clip of muzero_rc/policy.h."""

    _fields_ = [(name, ctypes.c_int32) for name in ("width", "height", "frame_count", "target_kbps")]


class _Mallinfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def held_bytes(libc: Any) -> int:
    """What malloc has given out and not got back, its own overhead included."""
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def opening(policy: Path) -> list[Row]:
    """Time and memory of an open policy, and of a model of a short and of a long clip."""
    c: Any = ctypes.CDLL(str(find_places().library))
    libc: Any = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Mallinfo
    opened, before = ctypes.c_void_p(), held_bytes(libc)
    seconds = []
    for _ in range(10):
        c.muzero_rc_policy_close(ctypes.byref(opened))
        start = time.perf_counter()
        c.muzero_rc_policy_open(str(policy).encode(), ctypes.byref(opened), None, ctypes.c_size_t(0))
        seconds.append(time.perf_counter() - start)
    policy_bytes, file_bytes = held_bytes(libc) - before, policy.stat().st_size
    rows = [("opening a policy", f"{1e3 * min(seconds):.2f} ms", "at most 10 ms")]
    for frames in (100, 10_000):
        model_bytes = model_memory(c, libc, opened, frames)
        held, limit = policy_bytes + model_bytes, 2 * file_bytes + 1024 * frames
        what = f"memory, policy ({policy_bytes / file_bytes:.2f} files) and model of {frames} frames"
        figure = f"{held} bytes, {held / limit:.2f} of the limit"
        rows.append((what, figure, f"at most {limit} (2 files + 1 KB a frame)"))
    c.muzero_rc_policy_close(ctypes.byref(opened))
    return rows


def model_memory(c: Any, libc: Any, policy: ctypes.c_void_p, frames: int) -> int:
    """Bytes that a model of so many frames holds."""
    stats, clip = np.zeros((frames, 25)), _Clip(*LARGE, frames, 600)
    model, before = ctypes.c_void_p(), held_bytes(libc)
    address = stats.ctypes.data_as(ctypes.c_void_p)
    if c.muzero_rc_model_open(policy, ctypes.byref(clip), address, ctypes.byref(model)):
        raise MemoryError(f"no model of {frames} frames could be opened")
    bytes_held = held_bytes(libc) - before
    c.muzero_rc_model_close(ctypes.byref(model))
    return bytes_held


def dispatch(folder: Path) -> Row:
    """A decision of the controller by libvpx's callbacks, against the policy called without them."""
    what = "decision by libvpx's callbacks against the policy alone (controller)"
    limit = "at most 1.02"
    if not shutil.which("cc"):
        return (what, "no C compiler", limit)
    places, program = find_places(), folder / "dispatch"
    headers = [f"-I{places.include}", f"-I{Path(__file__).parents[2] / 'native'}"]
    source = Path(__file__).with_name("dispatch.c")
    library = [str(places.library), f"-Wl,-rpath,{places.library.parent}"]
    subprocess.run(
        ["cc", "-std=gnu11", "-O2", *headers, str(source), *library, "-o", str(program)], check=True
    )
    printed = subprocess.run([program, "controller", "100"], check=True, stdout=subprocess.PIPE).stdout
    alone_ns, called_ns = map(float, printed.split())
    return (what, f"{called_ns / alone_ns:.3f} ({called_ns:.0f} ns / {alone_ns:.0f} ns)", limit)


def against_ffmpeg(folder: Path) -> list[Row]:
    """Second pass of the same program with and without the preload library: one thread, so its CPU time.

    libvpx's own file is not as large as ours; so the library is also compared where it leaves libvpx alone.
    """
    what, limit = "ffmpeg's pass 2 with the preload library against libvpx alone, 480p", "at most 1.02"
    if not shutil.which("ffmpeg"):
        return [(what, "no ffmpeg", limit)]
    clip, out = folder / "in.y4m", folder / "out.webm"
    clip.write_bytes(decode(LARGE, FRAMES, "-f", "yuv4mpegpipe"))
    words = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(clip), "-c:v", "libvpx-vp9", "-b:v", "600k"]
    words += ["-cpu-used", "4", "-auto-alt-ref", "6", "-lag-in-frames", "25", "-threads", "1", "-row-mt", "0"]
    words += ["-arnr-maxframes", "7", "-arnr-strength", "5", "-passlogfile", str(folder / "log")]
    second = [*words, "-pass", "2", str(out)]

    def run(command: list[str], policy: str | None) -> None:
        loaded = preload_environment(find_places(), policy, os.environ) if policy else os.environ
        subprocess.run(command, check=True, capture_output=True, env=loaded)

    run([*words, "-pass", "1", "-f", "webm", "/dev/null"], "controller")
    ways: list[str | None] = [None, "libvpx", "controller"]
    plain_s, idle_s, ours_s = best([partial(run, second, way) for way in ways], 3, children_s)
    kilobytes = []
    for way in (None, "controller"):
        run(second, way)
        kilobytes.append(out.stat().st_size // 1000)
    sizes = f"; {kilobytes[1]} kB / {kilobytes[0]} kB"
    return [
        (what, f"{ours_s / plain_s:.3f} ({ours_s:.2f} s / {plain_s:.2f} s{sizes})", limit),
        ("the same with policy libvpx", f"{idle_s / plain_s:.3f} ({idle_s:.2f} s / {plain_s:.2f} s)", limit),
    ]


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy = write_policy(folder / "bench.safetensors")
        show(decision_costs(policy))
        show([dispatch(folder)])
        show(opening(policy))
        show(against_ffmpeg(folder))


if __name__ == "__main__":
    main()
