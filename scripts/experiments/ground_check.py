r"""Ground check: where a policy loses to constant quality, misses its target or leaves it unspent.

    python scripts/experiments/ground_check.py CLIPS … -o FOLDER [--policy controller] [--first WORD …] \
        [--match WORD …] [--limit N] [--episodes LOG] [--cpu-used 4] [--auto-alt-ref 6]

CLIPS are videos or folders of videos. Every clip is encoded at constant quality at five levels, and by the
policy at those five rates as targets, in full length, one encode at a time. FOLDER gets one JSON file a
clip and anchors.json with all constant-quality figures; a clip that is there already is encoded again only
where the native code has changed, so the same command goes on where it was. `--first` puts clips whose
names begin with one of these words first, `--match` takes only those; `--episodes` keeps the policy's encodes
frame by frame in an episode log, which scripts/fit/fit_bits_model.py reads. Prints a Markdown table by kind
of clip (the first word of its name) and one of the clips that fail:

- more than 3 % worse than constant quality: BD-rate, or where the curves refuse one, the mean difference
  at the policy's rates, dB divided by the slope of constant quality's curve there (marked ~);
- an encode more than 1 % over its target, unless all its frames have qindex 255;
- mean fill below 0.96, or 0.9 on screens (encodes of qindex 255 or 1 throughout left out).

Needs the [train] extra; frames, first passes and constant-quality encodes are kept in the cache.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.atomic_file import write_text
from encoder_bridge.encode.batch import BatchResult
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.errors import BridgeError
from encoder_bridge.media.psnr import USUAL_SLOPE_DB
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER, PolicyRef, UnknownPolicy, resolve_deciding
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.evaluation.bd_rate import RatePoint, bd_rate
from muzero_rc.experience.episode import EVALUATION, Name
from muzero_rc.experience.episode_log import EpisodeWriter
from muzero_rc.experience.make_episode import make_episode
from muzero_rc.utils.file_hash import file_sha256

WHOLE_CLIP = 100_000
GROUND = "ground"  # kind of the episodes
MOST_WORSE = 3.0
MOST_FILL = 1.01
LEAST_FILL = 0.96
LEAST_FILL_OF = {"screen": 0.9}


@dataclass(frozen=True)
class Point:
    """One encode by the policy.

    Attributes:
        guarded: coded frames that the guard made coarser.
        frames: coded frames.
        bounded: every frame has qindex 255, or every frame 1.
    """

    target_kbps: int
    kbps: float
    psnr_y_db: float
    guarded: int
    frames: int
    bounded: bool

    @property
    def fill(self) -> float:
        """Achieved rate over target."""
        return self.kbps / self.target_kbps


@dataclass(frozen=True)
class Clip:
    """One clip's encodes.

    Attributes:
        quality: constant quality's (cq-level, kbps, luma PSNR in dB), coarsest first.
        points: the policy's, in the same order.
    """

    name: str
    quality: list[tuple[int, float, float]]
    points: list[Point]

    @property
    def kind(self) -> str:
        """The first word of the name."""
        return self.name.split("-", maxsplit=1)[0]

    @property
    def fill(self) -> float | None:
        """Mean over encodes that could have been of another size; None where there are none."""
        fills = [point.fill for point in self.points if not point.bounded]
        return float(np.mean(fills)) if fills else None

    @property
    def worst(self) -> float:
        """The largest fill."""
        return max((point.fill for point in self.points if not point.bounded), default=0.0)

    def worse(self) -> tuple[float, bool]:
        """Per cent by which the policy needs more than constant quality; whether that is BD-rate."""
        anchor = [RatePoint(kbps, psnr) for _, kbps, psnr in self.quality]
        result = bd_rate(anchor, [RatePoint(point.kbps, point.psnr_y_db) for point in self.points])
        if result.percent is not None:
            return result.percent, True
        return float(np.mean([-percent_gain(self.quality, point) for point in self.points])), False

    def failures(self) -> list[str]:
        """What of the requirement does not hold."""
        worse, _ = self.worse()
        found = [f"{worse:.1f} % worse"] if worse > MOST_WORSE else []
        found += ["over"] if self.worst > MOST_FILL else []
        least = LEAST_FILL_OF.get(self.kind, LEAST_FILL)
        return found + (["fill"] if self.fill is not None and self.fill < least else [])


def percent_gain(quality: Sequence[tuple[int, float, float]], point: Point) -> float:
    """What an encode is above constant quality's curve, in per cent of rate (log rate, linear)."""
    curve = sorted((kbps, psnr) for _, kbps, psnr in quality)
    x, y = np.log([kbps for kbps, _ in curve]), np.array([psnr for _, psnr in curve])
    i = int(np.clip(np.searchsorted(x, np.log(point.kbps)) - 1, 0, len(x) - 2))
    # Some screens take fewer bits at a finer level: there the curve says nothing.
    slope = max((y[i + 1] - y[i]) / max(x[i + 1] - x[i], 1e-6), 0.25 * USUAL_SLOPE_DB)
    expected = y[i] + slope * (np.log(point.kbps) - x[i])
    return float(100.0 * (point.psnr_y_db - expected) / slope)


def point_of(done: BatchResult) -> Point:
    """An encode's figures."""
    result = done.result
    records = result.records[result.records["frame_type"] >= 0]
    guarded = int(np.sum(records["qindex"] > np.clip(records["asked"], 1, 255)))
    bounded = bool(np.all(records["qindex"] >= 255) or np.all(records["qindex"] <= 1))
    target = result.config.target_kbps
    return Point(target, result.kbps, result.psnr_y_db, guarded, len(records), bounded)


def encoded(store: ClipStore, path: Path, policy: Any, log: EpisodeWriter | None) -> Clip:
    """All encodes of one clip; the policy's go into the log, where there is one.

    Raises:
        BridgeError: one failed.
    """
    instance = Instance(path.stem, path.stem, (path,))
    if not store.prepared([instance]):
        raise BridgeError(store.failures[instance.name])
    quality = sorted((e.cq_level, e.rate_kbps, e.psnr_y_db) for e in store.quality[instance.name])[::-1]
    jobs = [
        store.job(str(i), instance, max(1, round(kbps)), mode="policy", policy=policy)
        for i, (_, kbps, _) in enumerate(quality)
    ]
    points: dict[int, Point] = {}
    for done in store.play(jobs):
        if done.error:
            raise BridgeError(done.error)
        points[int(done.job.name)] = point_of(done)
        if log is not None:
            name = Name(f"{instance.name}/{store.raw_clip(instance).key}/ground/{done.job.name}", GROUND)
            log.append(make_episode(store, done, name, instance, source=EVALUATION, greedy=True))
    return Clip(path.stem, quality, [points[i] for i in sorted(points)])


def kept(file: Path, made_by: str | None) -> Clip | None:
    """A clip's figures from an earlier run, None where there are none of this native code and policy."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if made_by is not None and data["made_by"] != made_by:
            return None
        quality = [(int(cq), kbps, psnr) for cq, kbps, psnr in data["quality"]]
        return Clip(data["name"], quality, [Point(**point) for point in data["points"]])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(folder: Path, clip: Clip, made_by: str) -> None:
    """Writes a clip's figures, and adds to anchors.json."""
    write_text(folder / f"{clip.name}.json", json.dumps({"made_by": made_by, **asdict(clip)}) + "\n")
    anchors = folder / "anchors.json"
    known = json.loads(anchors.read_text(encoding="utf-8")) if anchors.exists() else {}
    known[clip.name] = [{"cq": cq, "kbps": kbps, "psnr_y_db": psnr} for cq, kbps, psnr in clip.quality]
    write_text(anchors, json.dumps(known, indent=1) + "\n")


def tables(clips: Sequence[Clip]) -> Iterator[str]:
    """The lines of both tables."""
    yield "| kind | clips | to constant quality, % | worst clip, % | encodes > 1 % over | worst | mean fill |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for kind in [*sorted({clip.kind for clip in clips}), "all"]:
        of_kind = [clip for clip in clips if kind in ("all", clip.kind)]
        worse = [clip.worse()[0] for clip in of_kind]
        free = [point.fill for clip in of_kind for point in clip.points if not point.bounded]
        yield (
            f"| {kind} | {len(of_kind)} | {np.mean(worse):+.2f} | {max(worse):+.1f} "
            f"| {sum(fill > MOST_FILL for fill in free)} of {len(free)} | {max(free, default=1) - 1:+.1%} "
            f"| {np.mean(free):.3f} |"
        )
    yield ""
    yield "| clip | to constant quality, % | fill at each target | fails by |"
    yield "| --- | ---: | --- | --- |"
    for clip in sorted(clips, key=lambda one: (one.kind, -one.worse()[0])):
        if failures := clip.failures():
            worse, is_bd = clip.worse()
            fills = " ".join(f"{point.fill:.3f}{'!' if point.bounded else ''}" for point in clip.points)
            sign = "" if is_bd else "~"
            yield f"| {clip.name} | {sign}{worse:+.1f} | {fills} | {', '.join(failures)} |"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--policy", default=CONTROLLER)
    parser.add_argument("--first", nargs="*", default=[], metavar="WORD")
    parser.add_argument("--match", nargs="*", default=[""], metavar="WORD")
    parser.add_argument("--limit", type=int, help="only the first so many clips")
    parser.add_argument("--episodes", type=Path, metavar="LOG", help="keep the policy's encodes there")
    parser.add_argument("--tables", action="store_true", help="encode nothing; print what is there")
    parser.add_argument("--cpu-used", type=int, default=4)
    parser.add_argument("--auto-alt-ref", type=int, default=6)
    return parser.parse_args(argv)


def config_of(options: argparse.Namespace) -> Config:
    """The defaults, with what was asked for."""
    config = Config()
    return replace(
        config,
        data=replace(config.data, augment=False, max_frames=WHOLE_CLIP),
        encode=replace(config.encode, cpu_used=options.cpu_used, auto_alt_ref=options.auto_alt_ref),
        actor=replace(config.actor, encoders=1),
    )


def run(options: argparse.Namespace, paths: Sequence[Path], ref: PolicyRef) -> list[Clip]:
    """Encodes what is missing; a clip that fails is named on stderr and left out."""
    options.output.mkdir(parents=True, exist_ok=True)
    files = [Path(_native.__file__), *([ref.path] if ref.path else [])]
    made_by = " ".join([*map(file_sha256, files), f"{options.cpu_used} {options.auto_alt_ref}"])
    clips: list[Clip] = []
    policy = None
    engine, cache = libvpx_engine(), cache_folder() / "training"
    for number, path in enumerate(paths, 1):
        clip = kept(options.output / f"{path.stem}.json", None if options.tables else made_by)
        if clip is None and not options.tables:
            try:
                # A store for each clip: the frames of hundreds do not fit into memory.
                log = EpisodeWriter(options.episodes) if options.episodes else nullcontext()
                with log as episodes, ClipStore(engine, config_of(options), cache) as store:
                    policy = policy or store.engine.native.Policy(ref.native)
                    clip = encoded(store, path, policy, episodes)
            except BridgeError as error:
                print(f"ground_check: {path.stem}: {error}", file=sys.stderr)
                continue
            keep(options.output, clip, made_by)
            print(
                f"{number} of {len(paths)}: {clip.name} {clip.worse()[0]:+.1f} %", file=sys.stderr, flush=True
            )
        if clip is not None:
            clips.append(clip)
    return clips


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for clips or a policy that are none."""
    options = arguments(argv)
    try:
        ref = resolve_deciding(options.policy)
        found = [path for path in find_clips(*options.clips) if path.stem.startswith(tuple(options.match))]
    except (UnknownPolicy, CorpusError) as error:
        print(f"ground_check: {error}", file=sys.stderr)
        return 2
    first = tuple(options.first)
    paths = sorted(found, key=lambda path: not path.stem.startswith(first) if first else False)
    print("\n".join(tables(run(options, paths[: options.limit], ref))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
