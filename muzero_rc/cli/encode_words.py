"""What rc-encode prints: figures, the sentence made from them, a batch's table, progress."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoder_bridge.encode.waiting import Progress
    from encoder_bridge.media.probe import VideoFile
    from muzero_rc.encoding.candidates import Contest
    from muzero_rc.encoding.file_encode import FileEncode

_FLOOR = "the coarsest qindex throughout is still above the target: this clip cannot be smaller"
_PEAK_MISSED = "a packet took more than was foreseen, and the buffer overflows: allow a larger --buffer"


def figures(source: str, output: str, policy: str, clip: "VideoFile", done: "FileEncode") -> dict[str, Any]:
    """The figures of --json; the sentence for people is made from the same ones."""
    from muzero_rc.encoding.file_encode import mean_qindex
    from muzero_rc.encoding.workers import worker_bytes

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
        "bit_depth": clip.bit_depth,
        "target_kbps": result.config.target_kbps,
        "kbps": round(result.kbps, 3),
        "fill": round(result.fill, 5),
        "psnr_y_db": round(result.psnr_y_db, 4),
        "mean_qindex": None if mean is None else round(mean, 2),
        "decisions": int(result.outcome["decisions"]),
        "guarded": result.guarded,
        "fallbacks": int(result.outcome["fallbacks"]),
        "file_bytes": done.file_bytes,
        "encodes": done.encodes,
        "parts": done.parts,
        "workers": done.workers,
        "worker_mb": round(worker_bytes(result.config) / 1e6),
        "seconds": round(done.seconds, 3),
        "at_floor": done.at_floor,
        **_peak_figures(done, clip),
    }


def _peak_figures(done: "FileEncode", clip: "VideoFile") -> dict[str, Any]:
    """What --json says of a peak, where there is one."""
    from muzero_rc.encoding.file_encode import peak_used

    config = done.result.config
    if not config.max_kbps:
        return {}
    used = round(peak_used(done.result, clip), 5)
    return {"max_kbps": config.max_kbps, "buffer_kbits": config.buffer_kbits, "buffer_used": used}


def misses(report: dict[str, Any]) -> list[str]:
    """What was asked for and could not be had, in words."""
    peak = [_PEAK_MISSED] if report.get("buffer_used", 0.0) > 1 else []
    return peak + ([_FLOOR] if report["at_floor"] else [])


def contest_figures(contest: "Contest") -> dict[str, Any]:
    """What --json says of candidates."""
    return {
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
        "winner": contest.winner,
        "segments": [asdict(one) for one in contest.segments],
        "gain_db": round(contest.gain_db, 4),
    }


def printed(report: dict[str, Any], notes: Sequence[str], *, as_json: bool) -> str:
    """One encode's result, for programs or for people."""
    if as_json:
        return json.dumps({**report, "notes": notes}, ensure_ascii=False)
    over = 100 * (report["fill"] - 1)
    text = (
        f"{report['output']}: {report['frames']} frames, {report['kbps']:.1f} kbps ({over:+.1f} % of "
        f"{report['target_kbps']}), PSNR-Y {report['psnr_y_db']:.2f} dB, {report['policy']}, "
        f"{report['seconds']:.1f} s"
    )
    if report["parts"] > 1:
        text += f", {report['parts']} parts by {report['workers']} workers of {report['worker_mb']} MB"
    if "target_size" in report:
        share = 100 * (report["file_bytes"] / report["target_size"] - 1)
        text += f", {report['file_bytes']} bytes ({share:+.1f} % of {report['target_size']})"
    if "max_kbps" in report:
        text += (
            f", at most {100 * report['buffer_used']:.0f} % of a buffer of {report['buffer_kbits']} kbits "
            f"at {report['max_kbps']} kbps"
        )
    if "segments" in report:
        numbers = sorted({one["candidate"] for one in report["segments"]})
        chosen = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}" if numbers[1:] else str(numbers[0])
        text += (
            f", candidate{'s' if numbers[1:] else ''} {chosen} of {len(report['candidates'])}, "
            f"{report['gain_db']:+.2f} dB to the first"
        )
    return "\n".join([text, *misses(report)])


def table(rows: Sequence[tuple[str, dict[str, Any] | None, str]]) -> str:
    """The end of a batch: input, its figures, or why there are none; one line each."""
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{'input':<{width}}  {'target':>8}  {'kbps':>9}  {'PSNR-Y':>8}  output"]
    for name, report, words in rows:
        if report is None:
            lines.append(f"{name:<{width}}  {words}")
            continue
        lines.append(
            f"{name:<{width}}  {report['target_kbps']:>8}  {report['kbps']:>9.1f}  "
            f"{report['psnr_y_db']:>8.2f}  {report['output']}"
        )
    return "\n".join(lines)


class ProgressLine:
    """One line on the terminal, written over itself: what is done, frame, fps, kbps, time left."""

    def __init__(self, frames: int, fps: float, candidates: int = 1, rehearsals: int = 0) -> None:
        self._frames = frames
        self._fps = fps
        self._candidates = candidates
        self._rehearsals = rehearsals
        self._pass = -1
        self._since = 0.0

    def __call__(self, number: int, progress: "Progress") -> None:
        """Shows how far pass `number` is: 0 is all rehearsals, several candidates are passes 2 and on."""
        now = time.monotonic()
        if number != self._pass:
            self._pass, self._since = number, now
        # In the second pass libvpx reads ahead: packets, not frames read, are what is done.
        done = progress.frames if number == 1 else progress.packets
        speed = done / (now - self._since) if now > self._since else 0.0
        if number == 0:
            self._tell_rehearsals(done, speed)
            return
        if number > 1 and self._candidates > 1:
            name, encodes_left = f"candidate {number - 1}/{self._candidates}", self._candidates + 1 - number
        else:
            name, encodes_left = f"pass {number}/2" if number < 3 else "refill", 0
        parts = [name, f"frame {done}/{self._frames}", f"{speed:.1f} fps"]
        if number > 1 and done:
            parts.append(f"{progress.bits * self._fps / done / 1000:.1f} kbps")
        if speed > 0:
            parts.append(f"ETA {_clock(((1 + encodes_left) * self._frames - done) / speed)}")
        self._write(parts)

    def _tell_rehearsals(self, done: int, speed: float) -> None:
        count = self._rehearsals
        number = min(done // max(1, self._frames) + 1, count)
        parts = [f"rehearsal {number}/{count}", f"{speed:.1f} fps"]
        if speed > 0:
            parts.append(f"ETA {_clock((count * self._frames - done) / speed)}")
        self._write(parts)

    def _write(self, parts: Sequence[str]) -> None:
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
