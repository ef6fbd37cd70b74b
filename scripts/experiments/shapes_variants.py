"""Fits that shapes_ablations.py tries: without each part, and with less of everything."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shapes_peers import learn_boosted, learn_linear

from encoder_bridge import _native
from muzero_rc.shapes.credits import Sequences
from muzero_rc.shapes.fit import SHIPPED, FitSettings
from muzero_rc.shapes.left_out import Foresight

NAMES = [name for name, _ in _native.feature_tables()["shape"]]
PLACE = ("length", "frames", "first", "last")
STEP = ("step", "far_to_step", "inside_to_step", "noise_to_step")
KEPT = ("far_kept", "inside_kept", "leaves_kept", "intra_kept", "bits", "bits_to_lengths")
COSTS = ("far_to_intra", "inside_to_intra", "leaves_to_inside", "inside_to_far")
BESIDE = ("far_to_lengths", "inside_to_lengths", "worth_to_lengths", "ratio_to_lengths", "bits_to_lengths")
WORTH = ("worth_far", "worth_near", "worth_to_lengths")
PICTURES = ("far_still", "far_fresh", "cut", "flash", "fade")
NOISE = ("noise", "noise_to_step")

THREE = replace(SHIPPED, networks=3)


@dataclass(frozen=True)
class Variant:
    """A fit that is tried.

    Attributes:
      settings: of the networks.
      without, only: features that it does not see; features that alone it sees.
      clips: of the other folds, drawn; encodes: beside libvpx's own, of each clip at a target. None: all.
      draw: of clips and encodes.
      learn: something else than networks.
    """

    settings: FitSettings = THREE
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = tuple(NAMES)
    clips: int | None = None
    encodes: int | None = None
    draw: int = 0
    learn: Callable[[Sequences], Foresight] | None = None


WHOLE = "three networks"
PARTS = {
    WHOLE: Variant(),
    "six networks, as shipped": Variant(SHIPPED),
    "length and place alone": Variant(only=PLACE),
    "without costs of prediction": Variant(without=(*COSTS, *BESIDE, *KEPT, *STEP[1:3])),
    "without the step": Variant(without=(*STEP, *KEPT)),
    "without comparison to other lengths": Variant(without=BESIDE),
    "without what lives on": Variant(without=WORTH),
    "without still, fresh, cuts, flashes, fades": Variant(without=PICTURES),
    "without noise": Variant(without=NOISE),
    "sequences alone": Variant(replace(THREE, credit_loss=0.0)),
    "credits alone": Variant(replace(THREE, sequence_loss=0.0)),
    "ridge regression": Variant(learn=learn_linear),
    "gradient boosting": Variant(learn=learn_boosted),
}
DRAWS = {27: 3, 54: 2, 108: 1}  # the fewer clips, the more it matters which
AMOUNTS: dict[str, tuple[int, dict[tuple[int, int], Variant]]] = {  # that of WHOLE; (amount, draw): variant
    "clips": (215, {(n, d): Variant(clips=n, draw=d) for n, draws in DRAWS.items() for d in range(draws)}),
    "other encodes a clip": (11, {(n, 0): Variant(encodes=n) for n in (3, 5, 8)}),
    "width": (SHIPPED.width, {(n, 0): Variant(replace(THREE, width=n)) for n in (4, 8, 32)}),
}


def name_of(what: str, amount: int, draw: int) -> str:
    """Of a variant of AMOUNTS."""
    return f"{amount} {what}, draw {draw}"


def all_variants() -> dict[str, Variant]:
    """By name."""
    scaled = {
        name_of(what, amount, draw): variant
        for what, (_, found) in AMOUNTS.items()
        for (amount, draw), variant in found.items()
    }
    return PARTS | scaled
