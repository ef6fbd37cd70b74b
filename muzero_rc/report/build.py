"""Builds a report: tasks from clips and targets, the evaluation, the page and results.json."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from encoder_bridge import libvpx
from encoder_bridge.atomic_file import whole_file
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.errors import BadInput
from encoder_bridge.media.probe import probe
from encoder_bridge.media.quality_filters import smallest_side
from muzero_rc.corpus.ladder import LADDER_CPU_USED, LADDER_CQ_LEVELS, Rungs, read_ladder
from muzero_rc.evaluation.metrics import optional_of
from muzero_rc.evaluation.rate_controls import LIBVPX_Q, find_rate_control
from muzero_rc.evaluation.result_cache import ResultCache
from muzero_rc.evaluation.results import Failure, MeasuredEncode, ReportClip, ReportData
from muzero_rc.evaluation.runner import ClipTask, Evaluation, OnEncode, evaluate
from muzero_rc.report.page import render
from muzero_rc.report.results_json import encodes_csv, results_text
from muzero_rc.report.versions import versions
from muzero_rc.utils.file_hash import file_sha256

if TYPE_CHECKING:
    from muzero_rc.encoding.farm import Farm

_Q_TOLERANCE = 0.005


def ladder_beside(clips: Sequence[Path], *, pyramid: bool) -> Path:
    """The target ladder in the clips' folder: ladder-pyramid.csv for pyramid GOPs, else ladder.csv.

    Raises:
        BadInput: there is none.
    """
    name = "ladder-pyramid.csv" if pyramid else "ladder.csv"
    path = clips[0].parent / name
    if not path.is_file():
        raise BadInput(f"no {name} beside {clips[0].name}: give --bitrates 60k,100k,… or --ladder FILE.csv")
    return path


def plan_tasks(
    clips: Sequence[Path], *, bitrates: Sequence[int] | None, ladder: Path | None, max_frames: int | None
) -> tuple[list[ClipTask], str, list[Failure]]:
    """Tasks, one a clip; where their targets come from, in words; and clips that cannot be encoded.

    Args:
        clips: see `muzero_rc.corpus.clips.find_clips`.
        bitrates: kbps, the same for all clips; or else
        ladder: a CSV file, and constant quality at the levels that it was made with.
        max_frames: encode the first ones only.

    Raises:
        BadInput: no clip can be encoded, or the ladder lacks one.
        LadderError: the ladder cannot be used.
    """
    rows: dict[str, Rungs] = {} if ladder is None else read_ladder(ladder)
    tasks: list[ClipTask] = []
    failures: list[Failure] = []
    for path in clips:
        if ladder is not None and path.stem not in rows:
            raise BadInput(f"{ladder} has no row for {path.stem}: add one, or give --bitrates")
        targets = tuple(bitrates or ()) if ladder is None else rows[path.stem].targets_kbps
        # Equal targets of a ladder (a saturated clip) would only be encoded twice.
        targets = tuple(dict.fromkeys(targets))
        levels = None if ladder is None else LADDER_CQ_LEVELS
        try:
            clip = probe(path, max_frames=max_frames, bit_depth=libvpx.frame_depth(None))
            tasks.append(ClipTask(path.stem, clip, targets, levels))
        except BadInput as error:
            if len(failures) + 1 == len(clips):
                raise
            failures.append(Failure(path.stem, "every rate control", str(error)))
    if ladder is None:
        words = f"Targets {', '.join(f'{kbps}k' for kbps in bitrates or ())} for every clip"
    else:
        words = f"Targets of each clip from {ladder.name}"
    return tasks, words, failures


def build_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    policies: Sequence[str],
    baseline: str,
    targets: str,
    command: str,
    farm: "Farm",
    on_encode: OnEncode | None = None,
    ladder: Path | None = None,
    unread: Sequence[Failure] = (),
    notes: Sequence[str] = (),
) -> tuple[ReportData, Path]:
    """Evaluates what is missing in `folder`/encodes and writes the report; returns it and its page.

    Args:
        evaluation: what to encode.
        folder: made if it is missing.
        policies: the rate controls under test, by the names that were given.
        baseline: the first anchor.
        targets: in words, where they come from.
        command: that makes this report.
        farm: where encodes run.
        on_encode: told of every result.
        ladder: to hold constant quality's rates against.
        unread: clips that could not be read, as `plan_tasks` has them.
        notes: lines for the reader, before those that are found here.
    """
    encodes, failures = evaluate(evaluation, ResultCache(folder / "encodes"), farm, on_encode=on_encode)
    data = ReportData(
        clips=[_clip_of(task) for task in evaluation.tasks],
        encodes=encodes,
        failures=[*unread, *failures],
        rate_controls=[rate_control.name for rate_control in evaluation.rate_controls],
        baseline=find_rate_control(baseline).name,
        policies=list(dict.fromkeys(find_rate_control(name).name for name in policies)),
        settings={"targets": targets, **_settings_in_words(evaluation.settings)},
        versions={**versions(filters=bool(optional_of(evaluation.metrics))), **_policy_versions(evaluation)},
        command=command,
        notes=[*notes, *_small_clips(evaluation), *_notes(evaluation, encodes, ladder)],
    )
    folder.mkdir(parents=True, exist_ok=True)
    return data, write_report(data, folder)


def write_report(data: ReportData, folder: Path) -> Path:
    """Writes report.html, results.json and encodes.csv into `folder`; returns the page.

    All are on the disk before one takes its name: where there is no room, the old report stays.

    Raises:
        OSError: a file cannot be written.
    """
    page = folder / "report.html"
    texts = {
        page: render(data),
        folder / "results.json": results_text(data),
        folder / "encodes.csv": encodes_csv(data),
    }
    with ExitStack() as stack:
        for path, text in texts.items():
            stack.enter_context(whole_file(path)).write_text(text, encoding="utf-8")
    return page


def _clip_of(task: ClipTask) -> ReportClip:
    return ReportClip(
        name=task.name,
        width=task.clip.width,
        height=task.clip.height,
        frames=task.clip.frames,
        fps=float(task.clip.fps),
        sha256=file_sha256(task.clip.path),
    )


def _settings_in_words(settings: EncoderConfig) -> dict[str, str]:
    return {
        **settings.in_words(),
        "passes": "2, good deadline, VBR underneath; all else as libvpx has it",
    }


def _policy_versions(evaluation: Evaluation) -> dict[str, str]:
    policies = {r.name: r.policy for r in evaluation.rate_controls if r.policy is not None}
    files = {name: policy.path for name, policy in policies.items() if policy.path is not None}
    return {f"policy {name}": f"SHA-256 {file_sha256(path)}" for name, path in files.items()}


def _small_clips(evaluation: Evaluation) -> list[str]:
    """A line for every metric that cannot be measured of some clips."""
    lines = []
    for metric in evaluation.metrics:
        side = smallest_side(metric.optional) if metric.optional else 0
        small = [task.name for task in evaluation.tasks if min(task.clip.width, task.clip.height) < side]
        if small:
            lines.append(
                f"{metric.label} needs {side} pixels a side, and is not measured of {', '.join(small)}."
            )
    return lines


def _notes(evaluation: Evaluation, encodes: Sequence[MeasuredEncode], ladder: Path | None) -> list[str]:
    """Warnings for the reader: clips that were converted, a ladder that was made with other settings."""
    notes = [f"{task.name}: {note}" for task in evaluation.tasks for note in task.clip.notes]
    if ladder is None:
        return notes
    rows = read_ladder(ladder)
    if evaluation.settings.cpu_used != LADDER_CPU_USED:
        notes.append(
            f"The ladder was made with cpu-used {LADDER_CPU_USED}, this report with "
            f"{evaluation.settings.cpu_used}: {LIBVPX_Q} runs at the ladder's cq-levels, its rates differ "
            "from the targets."
        )
        return notes
    rate = {(e.clip, e.cq_level): e.kbps for e in encodes if e.rate_control == LIBVPX_Q}
    off = [
        task.name
        for task in evaluation.tasks
        if any(
            abs(rate.get((task.name, level), kbps) / kbps - 1) > _Q_TOLERANCE
            for level, kbps in zip(LADDER_CQ_LEVELS, rows[task.name].q_kbps, strict=False)
        )
    ]
    if off:
        notes.append(f"{LIBVPX_Q} did not reproduce the ladder's rates within 0.5 % for {', '.join(off)}.")
    return notes
