"""What tests ask farms to do; at module level, so that other processes find it by name."""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.raw_clip import RawClip
from muzero_rc.encoding.qindex_plan import PlanFollower, constant_plan


def moving_clip(frames=12, width=64, height=48, seed=1):
    """A gradient that moves under noise."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    luma = np.stack([4 * x + 3 * y + 5 * t for t in range(frames)]) + rng.integers(0, 40, (height, width))
    chroma = np.full((frames, width * height // 2), 128)
    planes = np.concatenate([luma.reshape(frames, -1) % 256, chroma], axis=1).astype(np.uint8)
    key = sha256(planes.tobytes()).hexdigest()[:16]
    return RawClip(planes, width, height, EncoderConfig().fps, key)


def settings_of(clip, target_kbps=60):
    """The fastest settings that have a pyramid."""
    config = EncoderConfig(target_kbps=target_kbps, cpu_used=5)
    return config.for_video(clip.width, clip.height, clip.fps)


def plan_jobs(clip, stats, count, follower=lambda number, plan: PlanFollower(plan)):
    """Encodes that each follow a constant qindex of their own; `follower` makes what follows it."""
    return [
        Job(
            *(f"plan{i}", clip, settings_of(clip), stats),
            guard=False,
            keep_packets=True,
            extra=(follower(i, constant_plan(40 + 10 * i)),),
        )
        for i in range(count)
    ]


def policy_jobs(clip, stats, policy, count):
    """Encodes that a policy decides, each at a target of its own."""
    return [
        Job(
            *(f"policy{i}", clip, settings_of(clip, 40 + 20 * i), stats),
            mode="policy",
            policy=policy,
            keep_packets=True,
        )
        for i in range(count)
    ]


class GatedFollower:
    """Follows a plan once it is let: notes in the pipe `begun` that it is there, waits for a byte in `go`."""

    def __init__(self, folder, number, plan):
        self._folder, self._number = Path(folder), number
        self._follower, self._waits = PlanFollower(plan), True

    def answer(self, event):
        """The qindex for a frame, by its native event."""
        if self._waits:
            self._waits = False
            with (self._folder / "begun").open("ab") as pipe:
                pipe.write(f"{self._number} {os.getppid()}\n".encode())
            go = os.open(self._folder / "go", os.O_RDONLY)
            os.read(go, 1)
            os.close(go)
        return self._follower.answer(event)


def die_once(folder, number):
    """Kills its process at the first call of a number; gives the number at the next."""
    marker = Path(folder) / f"died{number}"
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), 9)
    return number
