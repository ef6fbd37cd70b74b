"""A newcomer's PPO on `Vp9RateControlRelative-v0`: Stable-Baselines3 with the settings that most start with.

    pip install stable-baselines3
    scripts/experiments/ppo_relative.py CLIP… --minutes 15 -o docs/results/0034/ppo

One environment a clip, default reward, one process. Writes OUTPUT.json (every episode: processor seconds
since the start, steps so far, clip, gain over the controller in per cent of rate) and OUTPUT.svg (running
means).
Prints what the learned policy gains without its noise, on the clips that it learned on and on --held-out.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from encoder_bridge.atomic_file import write_text
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.env import EnvClip, PairedGain, Vp9RateControlRelativeEnv
from encoder_bridge.media.decode import read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.yuv420 import join_planes, split_planes
from muzero_rc.report.charts import HEIGHT, WIDTH, Series, line_chart

Array = npt.NDArray[Any]
WINDOW = 16  # shown frames that the policy sees
SMOOTHING = 0.02  # of the running means, per episode
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#39434d}line{stroke:#e3e7eb}line.zero{stroke:#8d98a3}"
    "polyline,path{fill:none;stroke-width:2}"
)


@dataclass(frozen=True)
class Played:
    """One finished episode."""

    seconds: float
    steps: int
    clip: str
    gain: float


def small(path: Path, config: EncoderConfig, by: int, max_frames: int) -> EnvClip:
    """A clip with every `by` × `by` pixels averaged to one; sizes that do not divide lose an edge."""
    video = probe(path, max_frames=max_frames)
    luma, *chroma = split_planes(read_frames(video), video.width, video.height)
    width, height = (size // (2 * by) * 2 for size in (video.width, video.height))
    planes = [_averaged(luma, by, height, width)]
    planes += [_averaged(plane, by, height // 2, width // 2) for plane in chroma]
    raw = RawClip(join_planes(planes), width, height, video.fps)
    config = config.for_video(width, height, raw.fps)
    return EnvClip(path.stem, raw, config, first_pass(raw.frames, config))


def _averaged(plane: Array, by: int, height: int, width: int) -> Array:
    cut = plane[:, : height * by, : width * by].reshape(len(plane), height, by, width, by)
    averaged: Array = np.round(cut.mean(axis=(2, 4))).astype(np.uint8)
    return averaged


def environment(path: Path, options: argparse.Namespace, reward: PairedGain) -> Vp9RateControlRelativeEnv:
    """The environment of one clip at one target."""
    clip = small(path, EncoderConfig(cpu_used=options.cpu_used), options.scale, options.max_frames)
    target = options.bits_per_pixel * clip.raw.width * clip.raw.height * float(clip.raw.fps) / 1000
    return Vp9RateControlRelativeEnv([clip], [round(target)], reward=reward, window=WINDOW)


def learn(
    environments: Sequence[Vp9RateControlRelativeEnv], minutes: float, clock_minutes: float, seed: int
) -> tuple[Any, list[Played]]:
    """The model, and every episode that it learned from; `minutes` are of processor time."""
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    torch.set_num_threads(1)
    names = [str(env.reset(seed=seed + i)[1]["clip"]) for i, env in enumerate(environments)]
    played: list[Played] = []
    start, clock_start = time.process_time(), time.monotonic()

    class Threads(DummyVecEnv):  # type: ignore[misc]
        """All encoders work at the same time."""

        def step_async(self, actions: Array) -> None:
            super().step_async(actions)
            for env, action in zip(self.envs, actions, strict=True):
                env.begin(action)

    class Watch(BaseCallback):  # type: ignore[misc]
        """Notes episodes and ends the learning in time."""

        def _on_step(self) -> bool:
            seconds = time.process_time() - start
            for name, info in zip(names, self.locals["infos"], strict=True):
                if "episode" in info:
                    gain = round(float(info["episode"]["r"]), 3)
                    played.append(Played(round(seconds, 1), self.num_timesteps, name, gain))
                    if len(played) % 50 == 0:
                        recent = np.mean([one.gain for one in played[-50:]])
                        say(f"{seconds:.0f} s, {self.num_timesteps} steps, gain {recent:+.2f} %")
            return seconds < 60 * minutes and time.monotonic() - clock_start < 60 * clock_minutes

    with ThreadPoolExecutor(len(environments)) as threads:
        vector = Threads([lambda env=env: InThread(Monitor(env), threads) for env in environments])
        model = PPO(
            "MultiInputPolicy",
            VecNormalize(vector, norm_obs=False, gamma=1.0),
            n_steps=2048 // len(environments),
            batch_size=256,
            gamma=1.0,
            learning_rate=1e-3,
            seed=seed,
            device="cpu",
        )
        model.learn(10**9, callback=Watch())
    return model, played


class InThread(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Steps in a thread: `begin` starts one, `step` waits for its end."""

    def __init__(self, env: gymnasium.Env[Any, Any], threads: ThreadPoolExecutor) -> None:
        super().__init__(env)
        self._threads = threads
        self._running: Future[Any]

    def begin(self, action: Any) -> None:
        """Starts a step."""
        self._running = self._threads.submit(self.env.step, action)

    def step(self, action: Any) -> Any:
        """The step that was begun with this action."""
        return self._running.result()


def gain_of(model: Any, env: Vp9RateControlRelativeEnv) -> float:
    """What the policy gains in one episode without noise."""
    observation, _ = env.reset(seed=0)
    gain, done = 0.0, False
    while not done:
        action, _ = model.predict(observation, deterministic=True)
        observation, reward, done, _, _ = env.step(action)
        gain += reward
    env.close()
    return gain


def picture(played: Sequence[Played]) -> str:
    """Running means of the gain over minutes: all clips together."""
    mean = played[0].gain
    points = []
    for one in played:
        mean += SMOOTHING * (one.gain - mean)
        points.append((one.seconds / 60, mean))
    line = Series("PPO", "#1f6fb4", False, points, [])
    chart = line_chart(
        [line], x_label="processor minutes", y_label="gain over the controller, % of rate", zero_line=True
    )
    inside = chart.removeprefix("<svg ")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    back = f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
    return f'{head}{back}<svg width="{WIDTH}" height="{HEIGHT}" {inside}</svg>\n'


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--held-out", nargs="*", type=Path, default=[], metavar="CLIP")
    parser.add_argument(
        "--minutes", type=float, default=15.0, help="of processor time (default: %(default)s)"
    )
    parser.add_argument(
        "--clock-minutes", type=float, default=60.0, help="no longer than this (default: %(default)s)"
    )
    parser.add_argument("--scale", type=int, default=3, help="pixels averaged to one (default: %(default)s)")
    parser.add_argument("--max-frames", type=int, default=32, help="(default: %(default)s)")
    parser.add_argument("--bits-per-pixel", type=float, default=0.07, help="target (default: %(default)s)")
    parser.add_argument("--cpu-used", type=int, default=4, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="without .json and .svg")
    options = parser.parse_args()
    reward = PairedGain()
    environments = [environment(path, options, reward) for path in options.clips]
    model, played = learn(environments, options.minutes, options.clock_minutes, options.seed)
    held_out = [environment(path, options, reward) for path in options.held_out]
    gains = {
        kind: {path.stem: round(gain_of(model, env), 2) for path, env in zip(paths, some, strict=True)}
        for kind, paths, some in (
            ("learned on", options.clips, environments),
            ("held out", options.held_out, held_out),
        )
    }
    chosen = {name: value for name, value in vars(options).items() if not isinstance(value, (list, Path))}
    columns = {field.name: [getattr(one, field.name) for one in played] for field in fields(Played)}
    whole = {"settings": chosen, "gains": gains, "episodes": columns}
    write_text(options.output.with_suffix(".json"), json.dumps(whole) + "\n")
    write_text(options.output.with_suffix(".svg"), picture(played))
    say(f"{len(played)} episodes, {played[-1].steps} steps in {played[-1].seconds:.0f} s of processor time")
    print(json.dumps(gains, indent=1))


if __name__ == "__main__":
    main()
