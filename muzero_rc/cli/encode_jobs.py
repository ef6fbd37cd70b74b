"""What rc-encode has to do: inputs and bitrates, and the output of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muzero_rc.cli.common import Usage
from muzero_rc.deploy.policy_names import LIBVPX
from muzero_rc.utils.bitrate import is_whole_kbps, parse_kbps
from muzero_rc.utils.quantities import parse_bytes

PLACEHOLDER = "{kbps}"
MOST_WORKERS = 256


@dataclass(frozen=True)
class Target:
    """What an encode may take: a bitrate, or the bytes of the whole output.

    Attributes:
        kbps: of the video; 0 where `size` decides.
        size: bytes; 0 where `kbps` decides.
        note: what was rounded, in words.
    """

    kbps: int
    size: int = 0
    note: str = ""


@dataclass(frozen=True)
class Job:
    """One input and its outputs, one a target."""

    source: str
    outputs: tuple[tuple[str, Target], ...]


def check_workers(count: int | None, policy: str, max_kbps: int) -> None:
    """Refuses workers that cannot be.

    Raises:
        Usage: too many; or with a peak, or libvpx's own rate control.
    """
    if count is None or count == 1:
        return
    if not 1 <= count <= MOST_WORKERS:
        raise Usage(f"--workers {count} is out of range: use 1 to {MOST_WORKERS}")
    if max_kbps:
        raise Usage(
            f"--workers {count} does not go with --max-bitrate: parts do not know each other's buffer"
        )
    if policy == LIBVPX:
        raise Usage(
            f"--workers {count} needs one budget for all parts, and --policy {LIBVPX} has one for each: "
            "take another policy, or one worker"
        )


def parse_targets(bitrate: str | None, size: str | None) -> tuple[Target, ...]:
    """The targets of --bitrate, several with commas between, or of --target-size.

    Raises:
        Usage: none, or both; or a bitrate twice.
        UserError: not such a bitrate or size.
    """
    if (bitrate is None) == (size is None):
        raise Usage("say --bitrate 300k or --target-size 10M, one of them")
    if size is not None:
        return (Target(0, parse_bytes(size)),)
    assert bitrate is not None
    targets = []
    for text in bitrate.split(","):
        kbps = parse_kbps(text)
        rounded = f"bitrate {text} is taken as {kbps}k: libvpx counts whole kilobits"
        targets.append(Target(kbps, note="" if is_whole_kbps(text) else rounded))
    if len({target.kbps for target in targets}) < len(targets):
        raise Usage(f"--bitrate {bitrate} names a bitrate twice")
    return tuple(targets)


def parse_peak(max_bitrate: str | None, buffer: str | None, targets: Sequence[Target]) -> tuple[int, int]:
    """max_kbps and buffer_kbits of --max-bitrate and --buffer, by default two seconds; (0, 0): no peak.

    Raises:
        Usage: a buffer alone, or a peak below a target.
        UserError: not such a bitrate.
    """
    if max_bitrate is None:
        if buffer is not None:
            raise Usage("--buffer needs a --max-bitrate, which it softens")
        return 0, 0
    max_kbps, highest = parse_kbps(max_bitrate), max(target.kbps for target in targets)
    if max_kbps < highest:
        raise Usage(f"--max-bitrate {max_bitrate} is below the bitrate of {highest}k")
    return max_kbps, 2 * max_kbps if buffer is None else parse_kbps(buffer)


def plan_jobs(
    sources: list[str], output: str, targets: tuple[Target, ...], suffix: str | None
) -> tuple[Job, ...]:
    """Who becomes what.

    Args:
        sources: inputs.
        output: a file, which holds {kbps} where there are several targets; or a folder.
        targets: of each input.
        suffix: of files in a folder; None is webm.

    Raises:
        Usage: several inputs without a folder, a folder for one input, several bitrates without {kbps},
            or two inputs of one name.
    """
    many = len(targets) > 1
    if len(sources) == 1:
        if many and PLACEHOLDER not in Path(output).name:
            raise Usage(f"several bitrates need {PLACEHOLDER} in the output's name: out-{PLACEHOLDER}.webm")
        return (Job(sources[0], tuple((_filled(output, one, many), one) for one in targets)),)
    if not Path(output).is_dir():
        raise Usage(f"several inputs need a folder behind -o, and {output} is none")
    jobs: list[Job] = []
    taken: dict[str, str] = {}
    for source in sources:
        name = f"{Path(source).stem}-{PLACEHOLDER}" if many else Path(source).stem
        path = str(Path(output) / f"{name}.{suffix or 'webm'}")
        if path in taken:
            raise Usage(f"{source} and {taken[path]} would both become {path}")
        taken[path] = source
        jobs.append(Job(source, tuple((_filled(path, one, many), one) for one in targets)))
    return tuple(jobs)


def _filled(name: str, target: Target, many: bool) -> str:
    return name.replace(PLACEHOLDER, str(target.kbps)) if many or target.kbps else name
