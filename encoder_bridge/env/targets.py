"""What an episode encodes: a clip and a target, chosen at random or by `reset`'s options."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from encoder_bridge.env.clips import EnvClip
from encoder_bridge.errors import BadInput


def choose(
    clips: Sequence[EnvClip],
    targets_kbps: Sequence[int],
    random: np.random.Generator,
    options: dict[str, Any],
) -> tuple[EnvClip, int]:
    """A clip and a target: as `options` say ("clip": name or index, "target_kbps"), else random.

    Raises:
        BadInput: an unknown clip or option.
    """
    unknown = set(options) - {"clip", "target_kbps", "guard"}
    if unknown:
        raise BadInput(f"option {min(unknown)} is unknown: use clip, target_kbps or guard")
    wanted = options.get("clip")
    if wanted is None:
        clip = clips[int(random.integers(len(clips)))]
    else:
        named = [c for i, c in enumerate(clips) if wanted in (i, c.name)]
        if not named:
            raise BadInput(f"clip {wanted} is unknown: use one of {', '.join(c.name for c in clips)}")
        clip = named[0]
    target = options.get("target_kbps") or targets_kbps[int(random.integers(len(targets_kbps)))]
    return clip, int(target)


def check_targets(targets_kbps: Sequence[int]) -> tuple[int, ...]:
    """At least one positive bitrate.

    Raises:
        BadInput: there is none.
    """
    if not targets_kbps or min(targets_kbps) < 1:
        raise BadInput(f"targets {tuple(targets_kbps)} are no bitrates: give kilobits per second, 1 or more")
    return tuple(int(target) for target in targets_kbps)
