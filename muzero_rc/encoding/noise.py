"""Structured exploration noise: qindex offsets that the frames of a pyramid layer share."""

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NoiseConfig:
    """Standard deviations of the noise, in qindex; 0 leaves a kind out.

    Attributes:
      layer: one offset for each layer of the whole clip.
      gop: one for each layer of each GOP.
      drift: what is added at the first frame; it falls linearly to its opposite at the last.
      frame: one for each frame alone.
      scale_range: the sum is multiplied by a factor between 1 / range and range, one for the encode.
    """

    layer: float = 0.0
    gop: float = 0.0
    drift: float = 0.0
    frame: float = 0.0
    scale_range: float = 1.0


class StructuredNoise:
    """The noise of one encode, drawn as its frames come.

    Independent noise on every frame mostly costs quality. Noise that a layer's frames share in the clip or
    in a GOP tells what a different plan is worth.
    """

    def __init__(
        self, seed: str, config: NoiseConfig, frames: int, *, silent: bool = False, mirrored: bool = False
    ) -> None:
        """Prepares to draw.

        Args:
          seed: of all draws.
          config: deviations.
          frames: shown frames of the clip.
          silent: every offset is 0.
          mirrored: every offset has the opposite sign: the antithetic twin of the same seed.
        """
        self._seed = seed
        self._config = config
        self._silent = silent
        self._sign = -1 if mirrored else 1
        self._drawn: dict[tuple[str, int], float] = {}
        self._last_show = max(1, frames - 1)
        self._scale: float = config.scale_range ** random.Random(f"{seed} scale").uniform(-1.0, 1.0)
        self._frames = 0
        self._gop = 0
        self._last_gop_index = -1

    def of(self, event: Any) -> int:
        """The offset in qindex for a frame, by its native event or record.

        Call it once for each frame, in coding order.
        """
        if self._silent:
            return 0
        gop_index, layer = int(event["gop_index"]), int(event["layer"])
        self._gop += gop_index < self._last_gop_index
        self._last_gop_index = gop_index
        self._frames += 1
        config = self._config
        offset = self._draw("clip", layer, config.layer)
        offset += self._draw(f"gop {self._gop}", layer, config.gop)
        early = 1.0 - 2.0 * int(event["show_index"]) / self._last_show
        offset += early * self._draw("drift", 0, config.drift)
        offset += self._draw("frame", self._frames, config.frame)
        return self._sign * round(self._scale * offset)

    def _draw(self, of: str, number: int, deviation: float) -> float:
        key = (of, number)
        if key not in self._drawn:
            self._drawn[key] = random.Random(f"{self._seed} {key}").gauss(0.0, deviation)
        return self._drawn[key]
