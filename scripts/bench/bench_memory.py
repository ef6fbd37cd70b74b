#!/usr/bin/env python3
"""Memory of one encode: what a first pass, with and without its notes, and a second pass hold at most.

    scripts/bench/bench_memory.py --size 1280x720 --frames 60

Every line is a process of its own: its peak resident memory, less what it held before the pass. The decoder,
a process of its own too, is on the last line.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from encoder_bridge import _native, libvpx
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass, first_pass_of
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.waiting import pool_of_one

PASSES = ("first pass, plain", "first pass, with notes", "second pass", "decoder")


def peak_mb() -> float:
    """Peak resident memory of this process so far, without what the one that began it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def frames_of(size: str, frames: int) -> "subprocess.Popen[bytes]":
    """Moving synthetic frames through a pipe."""
    source = f"testsrc2=s={size}:r=25,noise=alls=12:allf=t:all_seed=1"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(frames)]
    return subprocess.Popen(
        [*command, "-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1"], stdout=subprocess.PIPE
    )


def measure(name: str, size: str, frames: int, keep: Path | None = None) -> float:
    """Runs one pass here; the megabytes that it took."""
    width, height = map(int, size.split("x"))
    config = EncoderConfig(width=width, height=height, timebase_den=25, cpu_used=5, target_kbps=1500)
    libvpx.load()
    policy = _native.Policy("controller")

    if name in PASSES[:2]:
        before = peak_mb()
        with frames_of(size, frames) as process:
            first = first_pass(process.stdout, config.replace(quick=PASSES.index(name)))
        if keep is not None:
            keep.write_bytes(first.blob)
        return peak_mb() - before
    if name == PASSES[3]:
        with frames_of(size, frames) as process:
            assert process.stdout is not None
            while process.stdout.read(1 << 20):
                pass
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    before = peak_mb()
    first = first_of(size, frames)
    with frames_of(size, frames) as process:
        encode(process.stdout, first, config, policy=policy, on_packets=lambda packets: None)
    return peak_mb() - before


def alone(name: str, size: str, frames: int) -> float:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--size", size, "--frames", str(frames), "--only", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def first_of(size: str, frames: int) -> FirstPass:
    """A first pass made by another process, so that its peak does not hide this one's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "first.bin"
        command = [sys.executable, __file__, "--size", size, "--frames", str(frames), "--keep", str(path)]
        subprocess.run([*command, "--only", PASSES[1]], check=True, stdout=subprocess.DEVNULL)
        with pool_of_one(_native.Pool) as pool:
            return first_pass_of(pool, path.read_bytes())


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="where to put the first pass's statistics")
    parser.add_argument("--only", choices=PASSES, help="one of them, the number alone")
    args = parser.parse_args()
    if args.only:
        print(f"{measure(args.only, args.size, args.frames, args.keep):.1f}")
        return
    for name in PASSES:
        print(f"{name:<24} {alone(name, args.size, args.frames):>8.0f} MB", flush=True)


if __name__ == "__main__":
    main()
