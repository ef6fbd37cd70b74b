"""Clips for the plugin's tests, and the programs that encode them with the same settings."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge import _native
from muzero_rc.deploy.policy_names import shipped

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "native" / "examples" / "encode_y4m.c"
RC_PLUGIN = (sys.executable, "-m", "muzero_rc.cli.plugin")
KBPS, CPU_USED = 80, 4
ARNR = ("-arnr-maxframes", "7", "-arnr-strength", "5")
"""libvpx's own alt-ref filtering, which ffmpeg would switch off."""


@dataclass(frozen=True)
class Ran:
    """What a program wrote and ended with."""

    status: int
    err: str

    @property
    def lines(self) -> list[str]:
        """What the plugin said."""
        return [line for line in self.err.splitlines() if line.startswith(("muzero-rc:", "rc-plugin:"))]


def run(*command: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        timeout=300,
    )
    return Ran(done.returncode, done.stderr)


def make_y4m(path: Path, size: str = "176x144", frames: int = 36, pixels: str = "yuv420p") -> Path:
    source = f"mandelbrot=size={size}:rate=30000/1001"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(frames)]
    subprocess.run([*command, "-pix_fmt", pixels, "-strict", "-1", str(path)], check=True)
    return path


def packets(path: Path) -> list[str]:
    """Size and MD5 of each video packet."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framemd5", "-"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [
        ",".join(line.split(",")[-2:]).strip() for line in listing.splitlines() if not line.startswith("#")
    ]


def with_policy(policy: str | Path) -> tuple[str, ...]:
    return (*RC_PLUGIN, "exec", "--policy", str(policy), "--")


def ffmpeg_pass(clip: Path, number: int, out: Path | str, *options: str) -> list[str]:
    """One pass of stock ffmpeg; the same word in `options` wins over one here."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(clip), "-c:v", "libvpx-vp9"]
    command += ["-b:v", f"{KBPS}k", "-cpu-used", str(CPU_USED), "-deadline", "good", "-g", "128"]
    command += ["-lag-in-frames", "25", "-threads", "1", "-row-mt", "0", "-auto-alt-ref", "6"]
    command += ["-pass", str(number), "-passlogfile", str(clip), *options]
    return [*command, *(("-f", "null", "-") if number == 1 else (str(out),))]


def arnr_for(policy: str) -> tuple[str, ...]:
    """The filtering that other programs have: ffmpeg always sends a strength, so it has to be told the one
    that a policy of shapes sets from libvpx 1.15 on, as README.md advises."""
    strength = int(_native.versions()["filter_strength"])
    if strength < 0 or policy != str(shipped()["shapes"]):
        return ARNR
    return (*ARNR[:-1], str(strength))


def by_ffmpeg(clip: Path, out: Path, policy: str, auto_alt_ref: int) -> Ran:
    options = (*arnr_for(policy), "-auto-alt-ref", str(auto_alt_ref))
    run(*with_policy(policy), *ffmpeg_pass(clip, 1, "-", *options))
    return run(*with_policy(policy), *ffmpeg_pass(clip, 2, out, *options))


def by_vpxenc(clip: Path, out: Path, policy: str, auto_alt_ref: int, *options: str) -> Ran:
    command = ["vpxenc", "--codec=vp9", "--good", "--passes=2", "--quiet", f"--cpu-used={CPU_USED}", "--ivf"]
    command += [f"--auto-alt-ref={auto_alt_ref}", "--lag-in-frames=25", "--kf-max-dist=128", "--threads=1"]
    command += ["--row-mt=0", "--end-usage=vbr", f"--target-bitrate={KBPS}", "-o", str(out), str(clip)]
    return run(*with_policy(policy), *command, *options)


def by_rc_encode(clip: Path, out: Path, policy: str, auto_alt_ref: int) -> Ran:
    command = [sys.executable, "-m", "muzero_rc.cli.encode", clip, "-o", out, "--bitrate", f"{KBPS}k"]
    command += ["--policy", policy, "--cpu-used", CPU_USED, "--auto-alt-ref", auto_alt_ref, "--quiet"]
    command += ["--refill", "never"]  # one encode, as the others make
    return run(*command)


def by_example(program: Path) -> Callable[[Path, Path, str, int], Ran]:
    def encode(clip: Path, out: Path, policy: str, auto_alt_ref: int) -> Ran:
        return run(program, clip, out, KBPS, policy, CPU_USED, auto_alt_ref)

    return encode


def compile_example(out: Path, *options: str, source: Path = EXAMPLE) -> Path:
    """Compiles as the example's first lines say."""
    from muzero_rc.deploy.preload import find_places

    places = find_places()
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "muzero_rc", "vpx"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PKG_CONFIG_PATH": str(places.pkgconfig)},
    ).stdout.split()
    command = ["cc", "-Wall", "-Wextra", "-Werror", *options, str(source), *flags]
    subprocess.run([*command, f"-Wl,-rpath,{places.library.parent}", "-o", str(out)], check=True)
    return out
