"""rc-encode: a video file in, VP9 at the target bitrate out."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoder_bridge.media.containers import CONTAINERS
from muzero_rc.cli.common import DONE, Parser, Usage, add_encoder_options, encoder_config, run
from muzero_rc.deploy.policy_names import LIBVPX, default_name, resolve
from muzero_rc.utils.bitrate import is_whole_kbps, parse_kbps

if TYPE_CHECKING:
    from encoder_bridge.encode.waiting import Progress
    from encoder_bridge.media.output import Output
    from encoder_bridge.media.probe import VideoFile
    from muzero_rc.encoding.file_encode import FileEncode

PROGRAM = "rc-encode"
MOST_CANDIDATES = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = _parser().parse(argv)
    return run(PROGRAM, lambda: _encode(args))


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description="Encode a video as VP9, two passes, at a target bitrate. The qindex of every "
        "frame comes from a policy.",
        epilog="The result goes to stdout, progress to stderr. Exit status: 0 done, 2 wrong use or bad "
        "input, 1 our own failure.",
    )
    add = parser.add_argument
    add("input", metavar="INPUT", help="anything that ffmpeg reads; - for y4m on stdin")
    add(
        *("-o", "--output"),
        metavar="OUT",
        required=True,
        help=".webm, .mkv or .mp4, appears only when it is whole; - for stdout",
    )
    add("--format", choices=tuple(CONTAINERS), help="of the output (default: what its suffix says, or webm)")
    add("--allow-playlists", action="store_true", help="read inputs that name other files, such as HLS")
    add("--bitrate", required=True, help="of the video: 300k, 1.5M or 300000 (bits a second)")
    add(
        "--policy",
        help=f"a name, a file, controller, or libvpx for its own rate control (default: {default_name()})",
    )
    add_encoder_options(parser)
    add(
        "--candidates",
        type=int,
        default=1,
        metavar="N",
        help="encode N times with the qindexes varied, keep the best that fits (default: %(default)s)",
    )
    add(
        "--libvpx",
        metavar="PATH",
        help="the libvpx that encodes, 1.10 to 1.17 (default: MUZERO_RC_LIBVPX, or the newest here)",
    )
    add("--max-frames", type=int, metavar="N", help="encode the first N frames only")
    add("--audio", choices=("copy", "none"), default="copy", help="copy: as Opus where WebM cannot hold it")
    add("--json", action="store_true", help="print the result as one JSON object")
    add("--quiet", action="store_true", help="no progress, no notes")
    add("--force", action="store_true", help="replace an output that exists")
    return parser


def _encode(args: argparse.Namespace) -> int:
    target_kbps = parse_kbps(args.bitrate)
    policy_ref = resolve(args.policy or default_name())
    _check_candidates(args.candidates, policy_ref.name)

    from encoder_bridge import libvpx
    from encoder_bridge.media.decode import open_clip
    from encoder_bridge.media.output import check_output
    from muzero_rc.encoding.file_encode import open_policy

    libvpx.choose(args.libvpx) if args.libvpx else libvpx.load()
    config = encoder_config(args, target_kbps=target_kbps)
    output = check_output(args.output, source=Path(args.input), force=args.force, container=args.format)
    policy = open_policy(policy_ref)
    with open_clip(args.input, max_frames=args.max_frames, playlists=args.allow_playlists) as clip:
        notes = list(clip.notes)
        if not is_whole_kbps(args.bitrate):
            notes.insert(
                0, f"bitrate {args.bitrate} is taken as {target_kbps}k: libvpx counts whole kilobits"
            )
        if not args.quiet:
            for note in notes:
                print(f"{PROGRAM}: note: {note}", file=sys.stderr)
        line = None
        if sys.stderr.isatty() and not args.quiet:
            line = ProgressLine(clip.frames, float(clip.fps), args.candidates)
        try:
            done, candidates = _encoded(
                clip,
                output,
                args.candidates,
                policy=policy,
                config=config,
                audio=args.audio,
                on_progress=line,
            )
        finally:
            if line is not None:
                line.clear()
        report = {**_report(args.input, output.name, policy_ref.name, clip, done), **candidates}
    for note in done.notes:
        notes.append(note)
        if not args.quiet:
            print(f"{PROGRAM}: note: {note}", file=sys.stderr)
    if done.at_floor:
        notes.append("the coarsest qindex throughout is still above the target: this clip cannot be smaller")
    print(
        json.dumps({**report, "notes": notes}, ensure_ascii=False) if args.json else _sentence(report, notes),
        file=sys.stderr if output.is_stdout else sys.stdout,
    )
    return DONE


def _check_candidates(count: int, policy: str) -> None:
    if not 1 <= count <= MOST_CANDIDATES:
        raise Usage(f"--candidates {count} is out of range: use 1 to {MOST_CANDIDATES}")
    if count > 1 and policy == LIBVPX:
        raise Usage(
            f"--candidates {count} varies a policy's qindexes, and --policy {LIBVPX} has none: "
            "take another policy, or one candidate"
        )


def _encoded(
    clip: "VideoFile", output: "Output", count: int, **how: Any
) -> tuple["FileEncode", dict[str, Any]]:
    """The output, and what --json says of its candidates: nothing where there is one."""
    if count == 1:
        from muzero_rc.encoding.file_encode import encode_file

        return encode_file(clip, output, **how), {}
    from muzero_rc.encoding.candidates import encode_best

    contest = encode_best(clip, output, count=count, **how)
    fields = {
        "candidates": [
            {
                "number": one.number,
                "kbps": round(one.kbps, 3),
                "fill": round(one.fill, 5),
                "psnr_y_db": round(one.psnr_y_db, 4),
                "guarded": one.guarded,
                "fits": one.fits,
            }
            for one in contest.candidates
        ],
        "winner": contest.winner.number,
        "gain_db": round(contest.gain_db, 4),
    }
    return contest.done, fields


def _report(source: str, output: str, policy: str, clip: "VideoFile", done: "FileEncode") -> dict[str, Any]:
    """The figures of --json; the sentence for people is made from the same ones."""
    from muzero_rc.encoding.file_encode import mean_qindex

    result = done.result
    mean = mean_qindex(result)
    return {
        "input": source,
        "output": output,
        "policy": policy,
        "width": clip.width,
        "height": clip.height,
        "frames": result.frames,
        "fps": float(clip.fps),
        "target_kbps": result.config.target_kbps,
        "kbps": round(result.kbps, 3),
        "fill": round(result.fill, 5),
        "psnr_y_db": round(result.psnr_y_db, 4),
        "mean_qindex": None if mean is None else round(mean, 2),
        "decisions": int(result.outcome["decisions"]),
        "guarded": result.guarded,
        "fallbacks": int(result.outcome["fallbacks"]),
        "file_bytes": done.file_bytes,
        "seconds": round(done.seconds, 3),
        "at_floor": done.at_floor,
    }


def _sentence(report: dict[str, Any], notes: list[str]) -> str:
    over = 100 * (report["fill"] - 1)
    text = (
        f"{report['output']}: {report['frames']} frames, {report['kbps']:.1f} kbps ({over:+.1f} % of "
        f"{report['target_kbps']}), PSNR-Y {report['psnr_y_db']:.2f} dB, {report['policy']}, "
        f"{report['seconds']:.1f} s"
    )
    if "winner" in report:
        text += (
            f", candidate {report['winner']} of {len(report['candidates'])}, "
            f"{report['gain_db']:+.2f} dB to the first"
        )
    return f"{text}\n{notes[-1]}" if report["at_floor"] else text


class ProgressLine:
    """One line on the terminal, written over itself: pass or candidate, frame, fps, kbps, time left."""

    def __init__(self, frames: int, fps: float, candidates: int = 1) -> None:
        self._frames = frames
        self._fps = fps
        self._candidates = candidates
        self._pass = 0
        self._since = 0.0

    def __call__(self, number: int, progress: "Progress") -> None:
        """Shows how far pass `number` is; with several candidates those are passes 2 and on."""
        now = time.monotonic()
        if number != self._pass:
            self._pass, self._since = number, now
        # In the second pass libvpx reads ahead: packets, not frames read, are what is done.
        done = progress.frames if number == 1 else progress.packets
        speed = done / (now - self._since) if now > self._since else 0.0
        if number > 1 and self._candidates > 1:
            name, encodes_left = f"candidate {number - 1}/{self._candidates}", self._candidates + 1 - number
        else:
            name, encodes_left = f"pass {number}/2", 0
        parts = [name, f"frame {done}/{self._frames}", f"{speed:.1f} fps"]
        if number > 1 and done:
            parts.append(f"{progress.bits * self._fps / done / 1000:.1f} kbps")
        if speed > 0:
            parts.append(f"ETA {_clock(((1 + encodes_left) * self._frames - done) / speed)}")
        sys.stderr.write(f"\r{'  '.join(parts)}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Removes the line."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


if __name__ == "__main__":
    sys.exit(main())
