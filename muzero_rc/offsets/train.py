"""Training a policy of moved constants: rounds of designs, each around what those before found best."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.media.decode import content_digest
from muzero_rc.config.schema import Config
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.clips import CorpusError
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Farm
from muzero_rc.offsets.designs import SPREAD, draw_designs
from muzero_rc.offsets.fit import Fitted, fit_moves
from muzero_rc.offsets.policy import write_moves
from muzero_rc.offsets.scan import Row, scan_designs
from muzero_rc.shapes.scan_folder import scan_folder, scan_settings
from muzero_rc.utils.file_hash import file_sha256
from muzero_rc.utils.version import own_version

Report = Callable[[str], None]
KIND = "offsets"


@dataclass(frozen=True)
class Rounds:
    """How much is tried.

    Attributes:
      count: of the rounds.
      encodes: of each; an even number.
      seed: of the designs.
    """

    count: int
    encodes: int
    seed: int = 1


def train_offsets(
    clips: Sequence[Path],
    config: Config,
    rounds: Rounds,
    folder: Path,
    output: Path,
    *,
    shapes: Path | None,
    engine: Engine,
    cache: Path,
    farm: Farm,
    report: Report,
) -> Fitted:
    """Encodes designs, fits, and writes the policy file, which appears under its name when it is whole.

    Args:
      clips: of which at most the first `config.data.max_frames` frames are encoded.
      config: of the encoder, the anchor curves and the metric.
      rounds: how much is tried.
      folder: keeps the encodes; the same call goes on where it was.
      output: the policy file.
      shapes: a policy of GOP shapes that the new one decides them by; None: libvpx's own.
      engine: what encodes.
      cache: of frames, first passes and anchor curves.
      farm: where encodes run.
      report: is told what was found.

    Raises:
      RunError: the folder cannot be used.
      CorpusError: no clip can be used.
    """
    instances = [Instance(path.stem, path.stem, (path,)) for path in clips]
    random.Random(0).shuffle(instances)  # so that a part of a round is of all kinds
    names = [one.name for one in instances]
    shapes_hash = file_sha256(shapes) if shapes else ""
    settings = {**scan_settings(engine, config), "shapes": shapes_hash, "encodes": rounds.encodes}
    settings["clips"] = digest(*sorted(names))
    rows: list[Row] = []
    moves: Mapping[str, float] = {}
    with scan_folder(folder, settings, KIND) as path, ClipStore(engine, config, cache, farm) as store:
        for number in range(1, rounds.count + 1):
            rng = random.Random(f"{rounds.seed} {number}")
            designs = draw_designs(names, rounds.encodes, rng, moves)
            rows += scan_designs(store, instances, designs, number, path, shapes=shapes, report=report)
            if not rows:
                raise CorpusError(f"none of the {len(clips)} clips can be encoded")
            fitted = fit_moves(rows)
            moves = fitted.moves
            report(in_words(fitted, rows))
    provenance = {
        "by": "rc-train offsets",
        "muzero-rc": own_version(),
        "clips": len({row["clip"] for row in rows}),
        "corpus_hash": digest(sorted((path.name, content_digest(path)) for path in clips)),
        "encodes": len(rows),
        "rounds": rounds.count,
        "metric": config.reward.metric,
        "libvpx_runtime": engine.libvpx,
        "cpu_used": config.encode.cpu_used,
    }
    version = int(engine.native.versions()["feature_version"])
    made = {name: move for name, move in moves.items() if move} or moves
    write_moves(output, made, version, provenance, shapes)
    return fitted


def in_words(fitted: Fitted, rows: Sequence[Row]) -> str:
    """What a fit says, a line a constant, those that matter most first."""
    mean = sum(row["gain"] for row in rows) / len(rows)
    lines = [f"{len(rows)} encodes, {mean:+.2f} % over constant quality; one is off by {fitted.noise:.1f} %"]
    for name, (slope, error) in sorted(fitted.slopes.items(), key=lambda one: -abs(one[1][0] / one[1][1])):
        move = f"{fitted.moves[name]:+.3f}"
        lines.append(f"{name:15s} {move}  slope {slope:+.2f} ± {error:.2f} % for {SPREAD[name]:g}")
    lines.append(f"all of them, by the fit that chose them: {fitted.worth:+.2f} %")
    return "\n".join(lines)
