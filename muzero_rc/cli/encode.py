"""rc-encode: video files in, VP9 at the target bitrate or of the target size out."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoder_bridge.errors import BridgeError, UserError
from muzero_rc.cli.common import (
    BAD_INPUT,
    DONE,
    FAILED,
    Usage,
    encoder_config,
    open_libvpx,
    run,
    tell,
)
from muzero_rc.cli.encode_jobs import Job, Target, check_workers, parse_peak, parse_targets, plan_jobs
from muzero_rc.cli.encode_options import AUTO, PROGRAM, parser
from muzero_rc.cli.encode_words import ProgressLine, contest_figures, figures, misses, printed, table
from muzero_rc.deploy.policy_names import LIBVPX, PolicyRef, default_name, resolve
from muzero_rc.utils.bitrate import parse_kbps
from muzero_rc.utils.quantities import parse_fps, parse_seconds

if TYPE_CHECKING:
    from encoder_bridge import _native
    from encoder_bridge.encode.config import EncoderConfig
    from encoder_bridge.encode.result import FirstPass
    from encoder_bridge.media.output import Output
    from encoder_bridge.media.probe import VideoFile
    from muzero_rc.encoding.file_encode import FileEncode, Wishes
    from muzero_rc.encoding.rehearsal import Rehearsals
    from muzero_rc.encoding.second_passes import Crew

MOST_CANDIDATES = 1000
LEAST_EFFORT, MOST_EFFORT = 2, 1000
MOST_TILES = 64
EIGHT_BITS_ONLY = "this libvpx was built for 8 bits only: another one (--libvpx) keeps all of them"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parser().parse(argv)
    return run(PROGRAM, lambda: _encode(args))


@dataclass(frozen=True)
class _Work:
    """What is the same for all jobs."""

    args: argparse.Namespace
    policy_ref: PolicyRef
    policy: "_native.Policy | None"
    config: "EncoderConfig"
    wishes: "Wishes"
    crew: "Crew"


def _encode(args: argparse.Namespace) -> int:
    targets = parse_targets(args.bitrate, args.target_size)
    jobs = plan_jobs(args.inputs, args.output, targets, args.format)
    policy_ref = resolve(args.policy or default_name())
    _check_candidates(args.candidates, policy_ref.name, targets)
    _check_effort(args.effort, policy_ref.name)
    max_kbps, buffer_kbits = parse_peak(args.max_bitrate, args.buffer, targets)
    if max_kbps and (policy_ref.name == LIBVPX or args.candidates > 1):
        raise Usage("--max-bitrate is for one encode under a policy: no --policy libvpx, no --candidates")
    check_workers(args.workers, policy_ref.name, max_kbps)
    config = _config(args).replace(max_kbps=max_kbps, buffer_kbits=buffer_kbits)
    audio_kbps = None if args.audio_bitrate is None else parse_kbps(args.audio_bitrate)
    if args.max_quality is not None and not 1 <= args.max_quality <= 255:
        raise Usage(f"--max-quality {args.max_quality} is out of range: use 1 to 255")

    from muzero_rc.encoding.file_encode import Wishes
    from muzero_rc.encoding.passes import open_policy
    from muzero_rc.encoding.second_passes import Crew, identity_of

    open_libvpx(args)
    wishes = Wishes(
        audio=args.audio,
        audio_kbps=audio_kbps,
        refill=args.refill == "auto" and args.output != "-",
        finest=args.max_quality,
    )
    crew = Crew(workers=args.workers, identity=identity_of(policy_ref))
    work = _Work(args, policy_ref, open_policy(policy_ref), config, wishes, crew)
    if len(jobs) > 1:
        return _batch(work, jobs)
    for report, notes, output in _run_job(work, jobs[0]):
        print(
            printed(report, notes, as_json=args.json),
            file=sys.stderr if output.is_stdout else sys.stdout,
            flush=True,
        )
    return DONE


def _config(args: argparse.Namespace) -> "EncoderConfig":
    config = encoder_config(args)
    if args.tiles is not None:
        if args.tiles not in (1, 2, 4, 8, 16, 32, MOST_TILES):
            raise Usage(f"--tiles {args.tiles} is no power of 2 up to {MOST_TILES}")
        config = config.replace(tile_columns=args.tiles.bit_length() - 1)
    return config if args.row_mt is None else config.replace(row_mt=args.row_mt)


def _check_candidates(count: int, policy: str, targets: Sequence[Target]) -> None:
    if not 1 <= count <= MOST_CANDIDATES:
        raise Usage(f"--candidates {count} is out of range: use 1 to {MOST_CANDIDATES}")
    if count > 1 and targets[0].size:
        raise Usage(f"--candidates {count} needs a --bitrate, not a --target-size")
    if count > 1 and policy == LIBVPX:
        raise Usage(
            f"--candidates {count} varies a policy's qindexes, and --policy {LIBVPX} has none: "
            "take another policy, or one candidate"
        )


def _check_effort(rehearsals: int, policy: str) -> None:
    if rehearsals and not LEAST_EFFORT <= rehearsals <= MOST_EFFORT:
        raise Usage(
            f"--effort {rehearsals} is out of range: use {LEAST_EFFORT} to {MOST_EFFORT}, or 0 for none"
        )
    if rehearsals and policy == LIBVPX:
        raise Usage(
            f"--effort {rehearsals} chooses GOPs for a policy, and --policy {LIBVPX} has its own: "
            "take another policy, or no --effort"
        )


def _batch(work: _Work, jobs: Sequence[Job]) -> int:
    """All jobs, whatever becomes of one; ends with a table."""
    rows: list[tuple[str, dict[str, Any] | None, str]] = []
    failures: list[int] = []
    for job in jobs:
        try:
            for report, notes, _ in _run_job(work, job):
                rows.append((job.source, report, ""))
                if work.args.json:
                    print(printed(report, notes, as_json=True), flush=True)
        except (BridgeError, UserError, OSError) as error:
            failures.append(BAD_INPUT if isinstance(error, UserError) else FAILED)
            rows.append((job.source, None, f"failed: {' '.join(str(error).split())}"))
            tell(f"{PROGRAM}: {rows[-1][2].removeprefix('failed: ')}")
        if not rows or rows[-1][0] != job.source:
            rows.append((job.source, None, "there already"))
    if not work.args.json:
        print(table(rows))
    return min(failures, default=DONE)  # a failure of ours counts more than a bad input


def _run_job(work: _Work, job: Job) -> Iterator[tuple[dict[str, Any], list[str], "Output"]]:
    """The encodes of one input; all from one first pass."""
    from encoder_bridge import libvpx
    from encoder_bridge.media.decode import open_clip
    from encoder_bridge.media.output import check_output
    from encoder_bridge.media.selection import Selection
    from muzero_rc.encoding.rehearsal import Rehearsals

    args = work.args
    outputs = []
    for name, target in job.outputs:
        if args.resume and Path(name).is_file():
            continue
        checked = check_output(name, source=Path(job.source), force=args.force, container=args.format)
        outputs.append((checked, target))
    if not outputs:
        return
    selection = Selection(
        start_s=0.0 if args.start is None else parse_seconds(args.start),
        end_s=None if args.end is None else parse_seconds(args.end),
        filter=args.filter,
        fps=None if args.fps is None else parse_fps(args.fps),
    )
    depth = libvpx.frame_depth(None if args.bit_depth == AUTO else int(args.bit_depth))
    with open_clip(
        job.source,
        max_frames=args.max_frames,
        selection=selection,
        playlists=args.allow_playlists,
        bit_depth=depth,
    ) as clip:
        notes = [*(target.note for _, target in outputs if target.note), *clip.notes]
        if args.bit_depth == AUTO and clip.source_depth > clip.bit_depth == depth:
            notes.append(EIGHT_BITS_ONLY)
        _tell_notes(args, notes)
        first = _shared_first_pass(work, clip) if len(outputs) > 1 else None
        rehearsals = Rehearsals(args.effort, [target.kbps for _, target in job.outputs if target.kbps])
        for output, target in outputs:
            report, lost = _one(work, job.source, clip, output, target, first, rehearsals)
            _tell_notes(args, lost)
            yield report, [*notes, *lost, *misses(report)], output


def _shared_first_pass(work: _Work, clip: "VideoFile") -> "FirstPass":
    from encoder_bridge.encode.first_pass import clip_first_pass
    from muzero_rc.encoding.file_encode import config_for

    return clip_first_pass(clip, config_for(clip, _config_of(work, clip), work.policy))


def _config_of(work: _Work, clip: "VideoFile") -> "EncoderConfig":
    """Rows are coded in parallel where there are more threads than the width has tiles, 256 pixels each."""
    if work.args.row_mt is not None:
        return work.config
    return work.config.replace(row_mt=int(work.config.threads > max(1, clip.width // 256)))


def _one(
    work: _Work,
    source: str,
    clip: "VideoFile",
    output: "Output",
    target: Target,
    first: "FirstPass | None",
    rehearsals: "Rehearsals",
) -> tuple[dict[str, Any], list[str]]:
    """One output: its figures, and what of the source is not in it."""
    line = None
    if sys.stderr.isatty() and not work.args.quiet:
        line = ProgressLine(clip.frames, float(clip.fps), work.args.candidates, work.args.effort)
    try:
        done, more = _encoded(work, clip, output, target, first, rehearsals, line)
    finally:
        if line is not None:
            line.clear()
    return {**figures(source, output.name, work.policy_ref.name, clip, done), **more}, list(done.notes)


def _encoded(
    work: _Work,
    clip: "VideoFile",
    output: "Output",
    target: Target,
    first: "FirstPass | None",
    rehearsals: "Rehearsals",
    line: ProgressLine | None,
) -> tuple["FileEncode", dict[str, Any]]:
    """The output, and what --json says beside its figures."""
    config = _config_of(work, clip)
    how: dict[str, Any] = {
        "policy": work.policy,
        "wishes": work.wishes,
        "rehearsals": rehearsals,
        "on_progress": line,
    }
    if target.size:
        from muzero_rc.encoding.target_size import encode_to_size

        done = encode_to_size(clip, output, limit_bytes=target.size, config=config, crew=work.crew, **how)
        return done, {"target_size": target.size}
    how |= {"config": config.replace(target_kbps=target.kbps), "first": first}
    if work.args.candidates == 1:
        from muzero_rc.encoding.file_encode import encode_file

        return encode_file(clip, output, crew=work.crew, **how), {}
    from muzero_rc.encoding.candidates import encode_best

    contest = encode_best(clip, output, count=work.args.candidates, workers=work.args.workers or 1, **how)
    return contest.done, contest_figures(contest)


def _tell_notes(args: argparse.Namespace, notes: Sequence[str]) -> None:
    if not args.quiet:
        for note in notes:
            tell(f"{PROGRAM}: note: {note}")


if __name__ == "__main__":
    sys.exit(main())
