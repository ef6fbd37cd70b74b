"""Reliability of the value heads: what they foretell against what comes, on clips not trained on.

    scripts/experiments/value_reliability.py RUN_DIR CLIPS -o value-reliability.svg

Plays episodes with the averaged weights of RUN_DIR's newest checkpoint, as in self-play (some without
noise), and asks the heads at every tenth coded frame how the episode will end: P(it fits its target)
and P(it looks better than the anchor). Draws what share truly did against what was said; prints the
expected calibration error (ECE) and how far off the heads' means were, by position in the clip.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from encoder_bridge.atomic_file import write_text
from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import assign
from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import look_up, make_networks
from muzero_rc.agent.two_hot import mean, probability_above, two_hot
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.errors import RunError
from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.experience.featurize import clip_features, trace_of
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.report.charts import HEIGHT, WIDTH, Series, line_chart
from muzero_rc.reward.rules import rule_of
from muzero_rc.training import checkpoint
from muzero_rc.training.run_dir import load_run_config
from muzero_rc.types import Array, ClipBatch, Params, Prediction

EVERY = 10  # coded frames between two questions
BINS = 10
PARTS = 5  # of a clip, by position
FITS, BETTER = "fits its target", "looks better than the anchor"
COLOURS = {FITS: "#1f6fb4", BETTER: "#c8551b"}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What the heads said, and what came; one entry for each question.

    Attributes:
      position: within the clip, 0 to 1.
      said: probability of FITS and of BETTER.
      came: 0 or 1 likewise.
      exact: what heads would say, with bins as wide as theirs, that knew the end.
      gain_error, rate_error: said mean minus what came, of gain in per cent and of log(rate / target).
      gain: what came.
    """

    position: Floats
    said: dict[str, Floats]
    came: dict[str, Floats]
    exact: dict[str, Floats]
    gain_error: Floats
    rate_error: Floats
    gain: Floats


def restored(run_dir: Path, config: Config, store: ClipStore) -> tuple[Params, int]:
    """The averaged weights of the newest whole checkpoint, and its step."""
    learner = make_learner(config, make_networks(config.network, store.engine.widths))
    found = checkpoint.load_latest(run_dir / "checkpoints", learner.init(jax.random.PRNGKey(0)))
    if found is None:
        raise RunError(f"run folder {run_dir} has no whole checkpoint")
    return found[0].average, int(found[0].step)


def played(
    store: ClipStore, instances: Sequence[Instance], config: Config, params: Params, count: int
) -> list[Episode]:
    """So many episodes of self-play, the clips in turn."""
    networks, pairs = make_networks(config.network, store.engine.widths), PairedEncodes(store.anchor)
    actor = Actor(store, networks, config, KnownSchedules(), pairs)
    actor.set_weights(params, 0)
    work = (
        assign(store, [instances[number % len(instances)]], config, number, stream="reliability")
        for number in range(count)
    )
    episodes = list(actor.play(work, Opponents(rule_of(config.reward)), ""))
    return [pairs.paired(one) for one in episodes if one.source == SELFPLAY]


def answers_of(store: ClipStore, config: Config, params: Params, episodes: Sequence[Episode]) -> Answers:
    """Asks the heads about episodes whose ends are known."""
    networks, network = make_networks(config.network, store.engine.widths), config.network
    encode_clip = jax.jit(networks.encode_clip)
    found = []
    for episode in episodes:
        clip, frames = clip_features(store, episode.instance, episode.target_kbps)
        trace = trace_of(store, episode)
        asked = np.arange(0, len(trace.qindex), EVERY)
        encoding = encode_clip(params, ClipBatch(clip[None], frames[None], np.array([len(frames)], np.int32)))
        seen = look_up(encoding, trace.show_index[None, asked])
        prediction = networks.predict(params, networks.represent(params, seen, trace.step[None, asked]))
        gain, log_rate = episode.outcome.gain, float(np.log(episode.rate_kbps / episode.target_kbps))
        exact = Prediction(
            prediction.policy_logits,
            jnp.log(two_hot(np.full((1, 1), gain), network.gain_bins, network.gain_limit)),
            jnp.log(two_hot(np.full((1, 1), log_rate), network.rate_bins, network.rate_limit)),
        )
        came = {FITS: log_rate <= np.log1p(config.reward.overshoot_tolerance), BETTER: gain > 0.0}
        ones = np.ones(len(asked))
        found.append(
            Answers(
                asked / len(trace.qindex),
                probabilities(config, prediction),
                {name: ones * value for name, value in came.items()},
                {name: ones * value for name, value in probabilities(config, exact).items()},
                row(mean(prediction.gain_logits, network.gain_limit)) - gain,
                row(mean(prediction.rate_logits, network.rate_limit)) - log_rate,
                ones * gain,
            )
        )
    return Answers(*(joined(column) for column in zip(*map(astuple, found), strict=True)))


def probabilities(config: Config, prediction: Prediction) -> dict[str, Floats]:
    """Of FITS and of BETTER, as search reads them from the heads against the controller."""
    network, limit = config.network, np.log1p(np.array(config.reward.overshoot_tolerance))
    return {
        FITS: 1.0 - row(probability_above(prediction.rate_logits, network.rate_limit, limit)),
        BETTER: row(probability_above(prediction.gain_logits, network.gain_limit, np.array(0.0))),
    }


def row(x: Array) -> Floats:
    """The first of a batch."""
    return np.asarray(x[0], np.float64)


def joined(column: Sequence[Any]) -> Any:
    """Arrays of all episodes, or dicts of them, in one."""
    if isinstance(column[0], dict):
        return {name: np.concatenate([one[name] for one in column]) for name in column[0]}
    return np.concatenate(column)


def binned(said: Floats, came: Floats) -> list[tuple[float, float, int]]:
    """(mean said, share that came, questions) of each bin of probability that has any."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        (float(said[place == i].mean()), float(came[place == i].mean()), int((place == i).sum()))
        for i in range(BINS)
        if (place == i).any()
    ]


def calibration_error(said: Floats, came: Floats) -> float:
    """ECE: mean distance of a bin's share from what was said, by questions."""
    return sum(abs(mean_said - share) * count for mean_said, share, count in binned(said, came)) / len(said)


def told(answers: Answers) -> list[str]:
    """The figures, as lines of Markdown."""
    lines = [
        "| the episode … | said, mean | came, share | ECE | ECE of heads that knew the end |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, said in answers.said.items():
        came = answers.came[name]
        errors = [calibration_error(x, came) for x in (said, answers.exact[name])]
        lines.append(
            f"| {name} | {said.mean():.3f} | {came.mean():.3f} | {errors[0]:.3f} | {errors[1]:.3f} |"
        )
    spread = float(np.abs(answers.gain - np.median(answers.gain)).mean())
    lines += [
        "",
        f"Mean absolute errors of the heads' means (the median is {spread:.3f} % off on average):",
        "",
        "| position in clip | questions | gain, per cent | log(rate / target) | ECE fits | ECE better |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    part = np.minimum((answers.position * PARTS).astype(int), PARTS - 1)
    for i in range(PARTS):
        here = part == i
        gain_off, rate_off = (np.abs(x[here]).mean() for x in (answers.gain_error, answers.rate_error))
        errors = [calibration_error(answers.said[n][here], answers.came[n][here]) for n in (FITS, BETTER)]
        lines.append(
            f"| {100 * i // PARTS} to {100 * (i + 1) // PARTS} % | {here.sum()} | "
            f"{gain_off:.3f} | {rate_off:.4f} | {errors[0]:.3f} | {errors[1]:.3f} |"
        )
    return lines


def picture(answers: Answers) -> str:
    """Both reliability curves side by side, as an SVG file of its own."""
    style = (
        "text{font:12px system-ui,sans-serif;fill:#39434d}"
        ".grid{stroke:#e3e7eb}.axis,.zero{stroke:#8d98a3}.title{font-weight:600}"
    )
    width, height = 2 * WIDTH, HEIGHT + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
    ]
    for i, (name, said) in enumerate(answers.said.items()):
        bins = binned(said, answers.came[name])
        labels = [f"said {s:.2f}, came {c:.2f}, {count} questions" for s, c, count in bins]
        chart = line_chart(
            [
                Series("perfect", "#8d98a3", True, [(0.0, 0.0), (1.0, 1.0)], []),
                Series(name, COLOURS[name], False, [(s, c) for s, c, _ in bins], labels),
            ],
            x_label="probability that the head gave",
            y_label="share that came true",
        )
        inside = chart.removeprefix("<svg ")
        parts.append(
            f'<text class="title" x="{i * WIDTH + 52}" y="17">{escape(f"The episode {name}")}</text>'
        )
        parts.append(f'<svg x="{i * WIDTH}" y="24" width="{WIDTH}" height="{HEIGHT}" {inside}')
    return "".join([*parts, "</svg>\n"])


def measure(run_dir: Path, corpus: Path, count: int, say: Callable[[str], None]) -> tuple[Answers, list[str]]:
    """Plays and asks; the answers, and lines that say of what."""
    config = load_run_config(run_dir)
    config = replace(config, data=replace(config.data, augment=False))
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        params, step = restored(run_dir, config, store)
        clips = [Instance(f"validation/{path.stem}", path.stem, (path,)) for path in find_clips(corpus)]
        instances = store.prepared(clips)
        say(f"{len(instances)} clips, weights of step {step}: playing {count} episodes")
        episodes = played(store, instances, config, params, count)
        answers = answers_of(store, config, params, episodes)
    greedy = sum(episode.greedy for episode in episodes)
    return answers, [
        f"{len(episodes)} episodes ({greedy} without noise) of {len(instances)} clips, cpu-used "
        f"{config.encode.cpu_used}, auto-alt-ref {config.encode.auto_alt_ref}, weights of step {step}, "
        f"{len(answers.position)} questions.",
        "",
    ]


def parser_of(description: str) -> argparse.ArgumentParser:
    """Of a command that takes a run folder and clips for it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument(
        "clips", type=Path, metavar="CLIPS", help="a folder of clips, none of them trained on"
    )
    return parser


def main() -> None:
    """The command."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--episodes", type=int, default=136, metavar="N", help="(default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, metavar="X.svg", required=True)
    options = parser.parse_args()
    answers, lines = measure(
        options.run_dir,
        options.clips,
        options.episodes,
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    print("\n".join([*lines, *told(answers)]))
    write_text(options.output, picture(answers))


if __name__ == "__main__":
    main()
