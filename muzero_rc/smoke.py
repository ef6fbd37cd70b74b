"""Five minutes of everything: a person's first run, on clips that ffmpeg makes."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from encoder_bridge.tools import program
from muzero_rc.config import Config
from muzero_rc.config_file import override
from muzero_rc.metrics import read_metrics
from muzero_rc.studio import libvpx_engine

_FRAMES = 40
_SOURCES = {  # moving patterns, each hard in its own way
    "mandelbrot": "mandelbrot=size=176x144:rate=25:end_scale=0.05:end_pts=200",
    "life": "life=size=176x144:rate=25:mold=10:ratio=0.3:seed=7:death_color=#405060:life_color=#d0d0a0",
    "bars": "testsrc2=size=176x144:rate=25",
}
_CHANGES = (
    "network.width=32",
    "network.encoder_layers=1",
    "network.latents=2",
    "network.attention_heads=2",
    "network.step_blocks=1",
    "encode.cpu_used=5",
    f"data.max_frames={_FRAMES}",
    "data.augment=false",
    "teacher.cq_levels=[]",
    "imitation.steps=0",
    "imitation.temperature=0.5",
    "search.enabled=false",
    "network.decision=mean",
    "actor.round_episodes=32",
    "actor.encoders=4",
    "actor.noise_qindex=6",
    "actor.layer_noise_qindex=6",
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
    "budget.episodes=100000",
)


def smoke(minutes: float, keep: Path | None, *, say: Callable[[str], None]) -> str:
    """Trains for some minutes and tells how the win rate against the first opponent rose.

    Args:
      minutes: in all.
      keep: the run folder; None drops it.
      say: takes lines for a person.

    Returns:
      A line for a person.
    """
    from muzero_rc.train import train

    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muzero-rc-smoke-")))
        run_dir = keep or folder / "run"
        say(f"{len(_SOURCES)} clips of {_FRAMES} frames, {minutes:g} minutes: a look at a run, not a policy")
        make_clips(folder / "clips")
        left_h = (60.0 * minutes - (time.monotonic() - began)) / 3600.0
        config = override(Config(), (*_CHANGES, f"budget.hours={max(left_h, 0.01)!r}"))
        train(config, folder / "clips", run_dir, engine=libvpx_engine(), cache=folder / "cache", say=say)
        return _told(run_dir)


def make_clips(folder: Path) -> None:
    """Writes the clips, lossless."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in _SOURCES.items():
        command = [program("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(_FRAMES)]
        command += ["-pix_fmt", "yuv420p", "-c:v", "ffv1", "-y", str(folder / f"{name}.mkv")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _told(run_dir: Path) -> str:
    reports = [report for report in read_metrics(run_dir, "train") if "win_rate" in report]
    if not reports:
        return "no episode was played: more minutes are needed"
    first, last = reports[0], reports[-1]
    return (
        f"win rate against the first opponent (constant quality): {first['win_rate']:.2f} -> "
        f"{last['win_rate']:.2f} over {last['episodes']:.0f} episodes; "
        f"gain over it {first['gain_db']:+.2f} -> {last['gain_db']:+.2f} dB"
    )
