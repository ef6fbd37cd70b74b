"""Smoke run: five minutes of the whole training on clips that ffmpeg makes."""

import contextlib
import math
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from encoder_bridge.media.ffmpeg import program
from encoder_bridge.media.psnr import USUAL_SLOPE_DB
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.anchor import Anchor
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode import PAIRED, SELFPLAY, Episode
from muzero_rc.experience.episode_log import read_log
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.reward.fixed import Fixed
from muzero_rc.reward.outcome import Opponent

_LAST_ROUND_S = 20.0  # which may begin just before the time is up
_SCENE = 16  # frames
_SIZE = "128x96"
# Each clip is a moving pattern that is full of noise in its first scene and clean in its second. The
# controller, the first opponent, spends most bits on the noise; there is much to gain by spending fewer.
_PATTERNS = {
    "bars": f"testsrc2=size={_SIZE}:rate=25",
    "mirrored": f"testsrc2=size={_SIZE}:rate=25,hflip,negate",
    "turned": "testsrc2=size=96x128:rate=25,transpose=1,hue=h=90",
}
_CHANGES = (
    "network.width=32",
    "network.encoder_layers=1",
    "network.latents=2",
    "network.attention_heads=2",
    "network.step_blocks=1",
    "encode.cpu_used=5",
    f"data.max_frames={2 * _SCENE}",
    "data.augment=false",
    "data.anchor_cq_levels=[46, 40, 34, 30]",
    "demonstrations.cq_levels=[]",
    "imitation.steps=0",
    "imitation.temperature=0.5",
    "search.enabled=false",
    "network.decision=mean",
    "actor.round_episodes=32",
    "actor.encoders=4",
    "actor.group=4",
    "actor.targets=4",
    "actor.noise_qindex=3",
    "actor.layer_noise_qindex=2",
    "actor.drift_noise_qindex=10",
    "actor.noise_range=1.5",
    "replay.episodes=128",
    "replay.replay_ratio=16",
    "replay.engine=memory",
    "learner.batch_size=8",
    "learner.windows=8",
    "learner.unroll_steps=3",
    "learner.warmup_steps=20",
    "learner.selfplay_learning_rate=2e-3",
    "learner.average_decay=0.98",
    "reward.rule=fixed",  # the first opponent for ever: what the win rate is told against
)


def smoke(minutes: float, keep: Path | None, *, report: Callable[[str], None]) -> str:
    """Trains for some minutes and says how the win rate against the first opponent rose.

    Args:
      minutes: in all.
      keep: the run folder; None drops it.
      report: takes lines for a person.

    Returns:
      A line for a person.
    """
    from muzero_rc.training.train import train

    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muzero-rc-smoke-")))
        run_dir = keep or folder / "run"
        frames = 2 * _SCENE
        report(f"{len(_PATTERNS)} clips of {frames} frames, {minutes:g} minutes: a look, not a policy")
        make_clips(folder / "clips")
        left_s = 60.0 * minutes - _LAST_ROUND_S - (time.monotonic() - began)
        config = smoke_config(hours=max(left_s, 30.0) / 3600.0)
        cache = folder / "cache"
        train(config, folder / "clips", run_dir, engine=libvpx_engine(), cache=cache, report=report)
        return _in_words(run_dir)


def smoke_config(*, hours: float, episodes: int = 100_000) -> Config:
    """Configuration of a smoke run."""
    return override(Config(), (*_CHANGES, f"budget.hours={hours!r}", f"budget.episodes={episodes}"))


def make_clips(folder: Path) -> None:
    """Writes the clips, lossless."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, pattern) in enumerate(_PATTERNS.items()):
        source = f"{pattern},noise=alls=24:allf=t:all_seed={seed}:enable='lt(n,{_SCENE})'"
        command = [program("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"]
        command += ["-frames:v", str(2 * _SCENE), "-c:v", "ffv1", "-y", str(folder / f"{name}.mkv")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def measured(log: Iterable[Episode]) -> list[Episode]:
    """The self-play episodes of a log against their paired encodes in it, at the usual slope."""
    usual = Anchor((1.0, math.e), (0.0, USUAL_SLOPE_DB))
    pairs = PairedEncodes(lambda _: usual)
    played = []
    for episode in log:
        if episode.source == PAIRED:
            pairs.add(episode)
        elif episode.source == SELFPLAY:
            played.append(pairs.paired(episode))
    return played


def win_rates(episodes: Sequence[Episode]) -> list[tuple[float, float, int]]:
    """Computes win rates of noise-free episodes against the controller, in the quarters of a run.

    Args:
      episodes: of self-play, in their order, measured against their paired encodes.

    Returns:
      For each quarter that has any: win rate (a draw is half a win), mean gain in per cent, episodes.
    """
    rule = Fixed()
    found = []
    for quarter in range(4):
        first, last = (len(episodes) * edge // 4 for edge in (quarter, quarter + 1))
        greedy = [episode.outcome for episode in episodes[first:last] if episode.greedy]
        if greedy:
            wins = statistics.fmean((rule.score(outcome, Opponent()) + 1.0) / 2.0 for outcome in greedy)
            found.append((wins, statistics.fmean(outcome.gain for outcome in greedy), len(greedy)))
    return found


def _in_words(run_dir: Path) -> str:
    episodes = measured(read_log(run_dir / "episodes"))
    quarters = win_rates(episodes)
    if len(quarters) < 2:
        return f"{len(episodes)} episodes were played: more minutes are needed"
    rates = " -> ".join(f"{rate:.2f}" for rate, _, _ in quarters)
    return (
        f"win rate against the first opponent (the controller), by quarters of the run: {rates} "
        f"({len(episodes)} episodes, {sum(count for _, _, count in quarters)} of them without noise); "
        f"gain over it {quarters[0][1]:+.1f} -> {quarters[-1][1]:+.1f} % of rate"
    )
