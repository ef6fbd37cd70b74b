"""The training loop, top to bottom: demonstrations, imitation, self-play, validation."""

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from muzero_rc.acting.actor import Actor
from muzero_rc.agent.compilation import keep_compiled
from muzero_rc.agent.learner import TrainingState, make_learner
from muzero_rc.agent.networks import make_networks
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.registry import demonstrations
from muzero_rc.deploy.policy_export import warm_start
from muzero_rc.distributed.farm_selfplay import FarmEpisodes
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Farm
from muzero_rc.experience.episode_log import EpisodeWriter, read_log
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import make_replay
from muzero_rc.experience.sampler import BatchSampler
from muzero_rc.reward.rules import rule_of
from muzero_rc.training import checkpoint
from muzero_rc.training.checks import Checks, critic_figures
from muzero_rc.training.episode_sources import EpisodeSource, LocalEpisodes, LogInbox
from muzero_rc.training.figures import Rates, mean_of, progress
from muzero_rc.training.logger import Logger, duration
from muzero_rc.training.pace import Pace
from muzero_rc.training.policy_snapshots import (
    best_figures,
    export_snapshot,
    feature_version,
    is_better,
    provenance,
)
from muzero_rc.training.run_dir import RunDir, open_run, replace_link
from muzero_rc.training.validation import VBR, Validation

if TYPE_CHECKING:
    from muzero_rc.distributed.transport import LearnerServer

Report = Callable[[str], None]
_IMITATION_ROUND = 100  # learner steps between reports while there is no self-play


def train(
    config: Config,
    corpus: Path,
    run_dir: Path,
    *,
    engine: Engine,
    cache: Path,
    resume: bool = False,
    init_from: Path | None = None,
    service: "LearnerServer | None" = None,
    farm: Farm | None = None,
    report: Report = print,
) -> dict[str, float]:
    """Trains until the budget ends.

    Args:
      config: of the run.
      corpus: a folder of clips.
      run_dir: begun, or gone on with when `resume`.
      engine: of the encoders.
      cache: shared between runs: frames, first passes, anchors, demonstrations.
      resume: go on from the last whole checkpoint and the episode log.
      init_from: a policy file whose parameters a new run begins with.
      service: brings self-play from actors elsewhere; closed at the end. None plays here.
      farm: where encodes run, and self-play without a service; the caller's to close. None: this machine.
      report: takes lines for a person.

    Returns:
      The last figures that were reported.

    Raises:
      CorpusError, RunError, ConfigError, PolicyFileError: it cannot begin; nothing was damaged.
    """
    began = time.monotonic()
    keep_compiled(cache / "compiled")
    clips = find_clips(corpus)
    validation_clips = find_clips(Path(config.validation.corpus)) if config.validation.corpus else []
    with ExitStack() as stack:
        run = stack.enter_context(open_run(run_dir, config, provenance(corpus, clips, engine), resume=resume))
        store = stack.enter_context(closing(ClipStore(engine, config, cache, farm)))
        logger = stack.enter_context(Logger(run_dir))
        replay = make_replay(config.replay, config.seed) if service is None else service.replay()
        stack.callback(replay.close)

        # What the network is, and where it stands.
        networks = make_networks(config.network, engine.widths)
        learner = make_learner(config, networks)
        state = learner.init(jax.random.PRNGKey(config.seed))
        if init_from is not None:
            params = warm_start(
                state.params, init_from, config.network, engine.widths, feature_version(engine)
            )
            # Two copies that JAX owns: a learner step gives its input's memory away.
            params, average = (jax.tree_util.tree_map(jnp.array, params) for _ in range(2))
            state = state._replace(params=params, average=average)
        found = checkpoint.load_latest(run.checkpoints, state)
        spent_s = 0.0
        if found is not None:
            state, note = found
            spent_s = note["spent_s"]
            report(f"going on from step {int(state.step)}, {duration(spent_s)} spent")
        began -= spent_s

        # What there is to encode.
        report(f"{len(clips)} clips: making frames, first passes and anchor curves")
        instances = store.prepared_corpus(clips)
        validation = _make_validation(store, validation_clips, config, cache, report)

        # What there is to learn from: demonstrations, then the run's own episodes, in the log's order.
        ingest = Ingest(store, replay, Opponents(rule_of(config.reward)))
        report(f"{len(instances)} instances: making demonstrations")
        for number, episode in enumerate(demonstrations(store, instances, cache / "demonstrations")):
            ingest.add(episode)
            if (number + 1) % 200 == 0:
                report(f"{number + 1} demonstrations, {duration(time.monotonic() - began)}")
        ingest.add_all(read_log(run.episodes))
        batches = BatchSampler(ingest, config, config.seed + int(state.step))
        source: EpisodeSource
        if service is not None:
            source = service.episodes(run.config_hash)
        elif store.farm.remote:
            source = FarmEpisodes(store, instances, config, run.config_hash)
        else:
            actor = Actor(store, networks, config, ingest.schedules, ingest.pairs)
            source = LocalEpisodes(actor, store, instances, config, run.config_hash)
        inbox = LogInbox(run.inbox)
        checks = Checks(networks, config, store, ingest.pairs)
        pace, rates = Pace(config), Rates(config)
        figures: dict[str, float] = {}

        with EpisodeWriter(run.episodes) as writer:
            while not _budget_spent(config, ingest, time.monotonic() - began):
                step_before = int(state.step)
                selfplay = step_before >= config.imitation.steps

                # Act: a round of episodes with the same weights. The log has each before it counts.
                episodes_before = ingest.episodes
                arrived = source.play(state.average, step_before, ingest) if selfplay else iter(())
                for episode in itertools.chain(arrived, inbox.new()):
                    if not ingest.has(episode):
                        writer.append(episode)
                        ingest.add(episode)
                        rates.add(episode)

                # Learn: as many steps as the episodes that came are owed.
                steps = pace.steps(ingest.episodes - episodes_before) if selfplay else _IMITATION_ROUND
                if not steps:
                    continue
                logs: list[Mapping[str, Any]] = []
                for _ in range(steps):
                    batch = batches.draw()
                    searched: dict[str, Any] = {}
                    if selfplay and config.search.enabled and _due(state, config.learner.reanalyse_share):
                        batch, searched = learner.reanalysed(state, batch)
                    state, scalars = learner.step(state, batch)
                    logs.append({**scalars, **searched})

                # Report, validate, keep.
                step, spent_s = int(state.step), time.monotonic() - began
                figures |= ingest.figures() | mean_of(logs) | rates.figures()
                asked = checks.critic(state.average, ingest.recent, ingest.opponents.rule)
                figures |= critic_figures(asked) | {"sample_age": batches.age(step)}
                figures |= {"episodes": ingest.episodes, "failures": len(store.failures)}
                logger.write(step, "train", figures)
                report(progress(config, step, figures, spent_s))
                if _crossed(step_before, step, config.validation.every_steps) and validation is not None:
                    figures |= _validate(validation, run, state, step, config, engine, logger, report)
                checkpoint.save(run.checkpoints, step, state, {"spent_s": spent_s})

        step = int(state.step)
        checkpoint.save(run.checkpoints, step, state, {"spent_s": time.monotonic() - began})
        export_snapshot(run, state, config, engine, figures)
        return figures


def _make_validation(
    store: ClipStore, clips: list[Path], config: Config, cache: Path, report: Report
) -> Validation | None:
    if not clips:
        return None
    chosen = clips[: config.validation.clips or None]
    instances = store.prepared([Instance(f"validation/{path.stem}", path.stem, (path,)) for path in chosen])
    validation = Validation(store, instances, config, cache)
    for name, baseline in validation.baselines().items():
        report(f"validation of {name}: {_in_words(baseline)}")
    return validation


def _validate(
    validation: Validation,
    run: RunDir,
    state: TrainingState,
    step: int,
    config: Config,
    engine: Engine,
    logger: Logger,
    report: Report,
) -> dict[str, float]:
    """Exports, measures and names the best so far; the figures that it found."""
    path = export_snapshot(run, state, config, engine, {})
    measured = validation.measure(path)
    logger.write(step, "validation", measured)
    report(f"validation at step {step}: {_in_words(measured)}")
    export_snapshot(run, state, config, engine, measured)
    best = run.policies / "best.safetensors"
    if is_better(measured, best_figures(best)):
        replace_link(best, path)
    return {f"validation_{name}": value for name, value in measured.items()}


def _in_words(figures: Mapping[str, float]) -> str:
    return (
        f"BD-rate {figures['bd_vbr']:+.2f} % to {VBR}, {figures['bd_quality']:+.2f} % to constant quality, "
        f"{figures['worse_clips']:.0f} of {figures['clips']:.0f} clips worse, "
        f"{100.0 * figures['over']:.1f} % of encodes over, worst {100.0 * figures['worst_over']:+.1f} %, "
        f"fill {figures['fill']:.3f}"
    )


def _budget_spent(config: Config, ingest: Ingest, spent_s: float) -> bool:
    return ingest.episodes >= config.budget.episodes or spent_s >= 3600.0 * config.budget.hours


def _due(state: TrainingState, share: float) -> bool:
    """Whether this step is among an evenly spread share of all steps."""
    step = int(state.step)
    return int((step + 1) * share) > int(step * share)


def _crossed(before: int, after: int, every: int) -> bool:
    return after // every > before // every
