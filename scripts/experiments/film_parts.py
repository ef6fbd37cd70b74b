#!/usr/bin/env python3
"""What it costs to encode a film in parts: clips one after the other, by one encoder and by several.

    scripts/experiments/film_parts.py CLIP CLIP CLIP --bitrates 150,300 --workers 1,3,6

One line an encode: parts, rate, fill, PSNR-Y, and the difference to one encoder, as it is and at equal rate
(by the usual slope of rate and quality). Nothing is encoded twice (no refill) unless --refill is given.
"""

import argparse
import math
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from encoder_bridge import _native, libvpx
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.media.decode import open_clip
from encoder_bridge.media.output import check_output
from encoder_bridge.media.psnr import USUAL_SLOPE_DB
from muzero_rc.encoding.file_encode import FileEncode, Wishes, encode_file
from muzero_rc.encoding.second_passes import Crew


def join(clips: Sequence[Path], size: str, film: Path) -> None:
    """The clips one after the other, lossless, of one size and 25 frames a second."""
    inputs = [word for clip in clips for word in ("-i", str(clip))]
    chains = [f"[{i}:v]scale={size},setsar=1,setpts=N/25/TB,fps=25[c{i}]" for i in range(len(clips))]
    graph = ";".join(chains) + ";" + "".join(f"[c{i}]" for i in range(len(clips)))
    graph += f"concat=n={len(clips)}"
    command = ["ffmpeg", "-v", "error", *inputs, "-filter_complex", graph, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-c:v", "ffv1", str(film)], check=True)


def line(workers: int, kbps: int, done: FileEncode, one: FileEncode) -> str:
    """One encode next to that of one encoder."""
    result = done.result
    gain = result.psnr_y_db - one.result.psnr_y_db
    equal = gain - USUAL_SLOPE_DB * math.log(result.kbps / one.result.kbps)
    return (
        f"{kbps:>6}  {workers:>7}  {done.parts:>5}  {result.kbps:>8.1f}  {result.fill:.4f}  "
        f"{result.psnr_y_db:>6.2f}  {gain:>+8.3f}  {equal:>+12.3f}"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--bitrates", default="300", help="in kbps, with commas between")
    parser.add_argument("--workers", default="1,3", help="the first is what others are compared with")
    parser.add_argument("--size", default="352:198")
    parser.add_argument("--cpu-used", type=int, default=4)
    parser.add_argument("--refill", action="store_true")
    args = parser.parse_args()
    libvpx.load()
    config, policy = EncoderConfig(cpu_used=args.cpu_used), _native.Policy("controller")
    print("target  workers  parts      kbps    fill  PSNR-Y  gain, dB  at equal rate")
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mkv"
        join(args.clips, args.size, film)
        with open_clip(film) as clip:
            first = clip_first_pass(clip, config, folder=Path(folder))
            for kbps in map(int, args.bitrates.split(",")):
                one = None
                for workers in map(int, args.workers.split(",")):
                    done = encode_file(
                        clip,
                        check_output(os.devnull, source=film, force=True),
                        policy=policy,
                        config=config.replace(target_kbps=kbps),
                        wishes=Wishes(refill=args.refill),
                        first=first,
                        crew=Crew(workers=workers, identity="experiment"),
                    )
                    one = one or done
                    print(line(workers, kbps, done, one), flush=True)


if __name__ == "__main__":
    main()
