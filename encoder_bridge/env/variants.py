"""The environments that differ from `Vp9RateControl-v0` in what they ask and take, single and as vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoder_bridge.env.actions import OFFSETS, Relative, ShapesAndOffsets, check_offsets
from encoder_bridge.env.clips import EnvClip
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.vector import Vp9RateControlVectorEnv

Clips = Sequence[EnvClip | str | Path]


class Vp9RateControlRelativeEnv(Vp9RateControlEnv):
    """`Vp9RateControlRelative-v0`: as `Vp9RateControlEnv`, but the action is an offset to q_ref.

    Action: a number that chooses one of `offsets`, which is added to the controller's qindex for the frame.
    Reward: as there, the gain over the controller, which is what offset 0 plays throughout.
    """

    def __init__(
        self,
        clips: Clips = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        offsets: Sequence[int] = OFFSETS,
        **options: Any,
    ) -> None:
        """Args: clips, targets_kbps, options: see `Vp9RateControlEnv`; offsets: to choose from."""
        super().__init__(clips, targets_kbps, **options)
        self._set_actions(Relative(check_offsets(offsets)))


class Vp9RateControlRelativeVectorEnv(Vp9RateControlVectorEnv):
    """A vector of `Vp9RateControlRelative-v0`."""

    def __init__(
        self,
        num_envs: int,
        clips: Clips = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        offsets: Sequence[int] = OFFSETS,
        **options: Any,
    ) -> None:
        """See `Vp9RateControlRelativeEnv`."""
        super().__init__(num_envs, clips, targets_kbps, **options)
        self._set_actions(Relative(check_offsets(offsets)))


class Vp9EncodeEnv(Vp9RateControlEnv):
    """`Vp9Encode-v0`: one step is one decision, of the shape of the GOP that begins or of a frame's qindex.

    Observation: as `Vp9RateControlEnv`; where a GOP's shape is asked, "window" lies round the frame that
    begins it and "step" is that of the frame before. Also "gop" `[G]` of `observation.GOP_FEATURES`, which
    begins with what is asked.
    Action: MultiDiscrete [length, layers, strength, offset], numbers that choose from `actions.LENGTHS`,
    LAYERS, STRENGTHS and `offsets`; where a shape is asked, the last is ignored, where a qindex is asked,
    the other three. The first choice of these three is libvpx's own. Without `offsets` the last is the
    qindex itself.
    Reward: as there, the gain over the controller, which leaves all shapes to libvpx and takes offset 0.
    Info: as there, "asks_shape" and "action_mask", `[sum of nvec]`, 1 for what may be chosen; of what is not
    asked one choice is left. After a shape "coded_type", "qindex" and "qindex_asked" are -1.
    The GOPs of the last lag_in_frames - 1 frames begin in one call of libvpx: the shape asked first for them
    ("flush" in "gop") is that of all.
    """

    def __init__(
        self,
        clips: Clips = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        offsets: Sequence[int] | None = OFFSETS,
        **options: Any,
    ) -> None:
        """Args: clips, targets_kbps, options: see `Vp9RateControlEnv`; offsets: to choose from, or None."""
        super().__init__(clips, targets_kbps, **options)
        self._set_actions(ShapesAndOffsets(None if offsets is None else check_offsets(offsets)))

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """`[sum of nvec]`, as sb3-contrib's MaskablePPO asks for it.

        Raises:
            NotRunning: before `reset`, or after the end.
        """
        mask = self._running()[0].action_mask()
        assert mask is not None, "shapes are asked for"
        return mask.astype(bool)


class Vp9EncodeVectorEnv(Vp9RateControlVectorEnv):
    """A vector of `Vp9Encode-v0`."""

    def __init__(
        self,
        num_envs: int,
        clips: Clips = (),
        targets_kbps: Sequence[int] = (64,),
        *,
        offsets: Sequence[int] | None = OFFSETS,
        **options: Any,
    ) -> None:
        """See `Vp9EncodeEnv`."""
        super().__init__(num_envs, clips, targets_kbps, **options)
        self._set_actions(ShapesAndOffsets(None if offsets is None else check_offsets(offsets)))
