"""Candidate search: which common lengths are tried, by what the policy itself had."""

import numpy as np
import pytest

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import OWN, GopShape
from encoder_bridge.encode.layouts import INTER, KEY, RECORD, SHOWN
from encoder_bridge.encode.result import EncodeResult
from muzero_rc.encoding.candidate_search import CandidateSearch
from muzero_rc.encoding.gop_search import usual_worth
from muzero_rc.encoding.gop_trials import LENGTHS

FRAMES = 60


def encoded(shapes: tuple[GopShape, ...]) -> EncodeResult:
    """An encode of one GOP, whose shapes had been asked for."""
    records, shown = np.zeros(FRAMES, RECORD), np.zeros(FRAMES, SHOWN)
    records["show_index"] = records["gop_index"] = np.arange(FRAMES)
    records["frame_type"], records["qindex"], records["bits"] = INTER, 120, 4000
    records["frame_type"][0] = KEY
    shown["sse_y"], shown["bytes"] = 90_000, 500
    config = EncoderConfig(width=64, height=48, target_kbps=101)
    return EncodeResult(config, records, shown, {"guarded": 0}, shapes=shapes)


@pytest.mark.parametrize(
    ("shapes", "own", "strength"),
    [
        ((), False, -1),
        ((GopShape(12, strength=3), GopShape(9, strength=3)), True, 3),
        ((GopShape(OWN, strength=3), GopShape(OWN, strength=3)), False, 3),
    ],
    ids=["the controller", "lengths of a policy", "a policy that left all to libvpx"],
)
def test_common_lengths_come_in_order_and_libvpx_s_own_once(
    shapes: tuple[GopShape, ...], own: bool, strength: int
) -> None:
    lengths = [length for length in LENGTHS if own or length != OWN]
    search = CandidateSearch(1 + len(lengths), lambda _: usual_worth(FRAMES))
    search.tell(1, encoded(shapes))
    for number, length in enumerate(lengths, 2):
        asked = search.next(number)
        assert isinstance(asked, tuple)
        assert set(asked) == {GopShape(length, strength=strength)}


@pytest.mark.parametrize(
    ("count", "at_once"), [(3, [1, 2, 1]), (5, [1, 4, 3, 2, 1]), (9, [1, 6, 5, 4, 3, 2, 1, 1, 1])]
)
def test_what_is_made_at_once_waits_for_nothing(count: int, at_once: list[int]) -> None:
    search = CandidateSearch(count, lambda _: usual_worth(FRAMES))
    first = search.at_once(1)
    search.tell(1, encoded(()))
    assert [first, *(search.at_once(number) for number in range(2, count + 1))] == at_once
    together = [search.next(number) for number in range(2, 2 + at_once[1])]
    assert len(set(map(str, together))) == len(together)
