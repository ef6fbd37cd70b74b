"""GOP plans: the shapes of a clip's GOPs from each key frame to the next."""

from dataclasses import dataclass

from encoder_bridge.encode.gop_shapes import GopShape


@dataclass(frozen=True)
class GopPlan:
    """What GOPs a clip is to have.

    Attributes:
        starts: key frames, ascending from 0.
        shapes: of the GOPs that begin there and before the next start, in order.
    """

    starts: tuple[int, ...]
    shapes: tuple[tuple[GopShape, ...], ...]

    @property
    def whole(self) -> tuple[GopShape, ...]:
        """Of all GOPs."""
        return tuple(shape for stretch in self.shapes for shape in stretch)

    def within(self, first: int, frames: int) -> tuple[GopShape, ...] | None:
        """Of the GOPs of a part of the clip; None where it begins at none of the starts."""
        if first not in self.starts:
            return None
        stretches = zip(self.starts, self.shapes, strict=True)
        inside = [shapes for start, shapes in stretches if first <= start < first + frames]
        return tuple(shape for shapes in inside for shape in shapes)
