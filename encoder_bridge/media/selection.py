"""Selection: which part of a video is encoded, and what ffmpeg does to its frames first."""

from dataclasses import dataclass
from fractions import Fraction

from encoder_bridge.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a source becomes frames; the default is all of it, as it is."""

    start_s: float = 0.0
    """From its first frame's time on."""
    end_s: float | None = None
    filter: str = ""
    """A filter graph of ffmpeg with one input and one output, before everything else."""
    fps: Fraction | None = None
    """Frames are dropped or repeated to have this constant rate."""

    def __post_init__(self) -> None:
        """Raises BadInput where nothing would be left."""
        if self.start_s < 0:
            raise BadInput(f"the start {self.start_s:g} s lies before the video: use 0 or more")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise BadInput(f"the end {self.end_s:g} s does not lie behind the start {self.start_s:g} s")
        if self.fps is not None and not Fraction(1, 10) <= self.fps <= 1000:
            raise BadInput(f"{float(self.fps):g} frames a second cannot be encoded: use 0.1 to 1000")

    @property
    def is_everything(self) -> bool:
        """Whether frames are what the file holds."""
        return self == Selection()

    def input_options(self) -> dict[str, str]:
        """ffmpeg's, before the file's name."""
        options = {"ss": f"{self.start_s:.6f}"} if self.start_s else {}
        if self.end_s is not None:
            options["t"] = f"{self.end_s - self.start_s:.6f}"
        return options

    def filters(self) -> list[str]:
        """ffmpeg's, in their order."""
        rate = [f"fps={self.fps}"] if self.fps is not None else []
        return [*([self.filter] if self.filter else []), *rate]
