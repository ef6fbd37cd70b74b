"""The running comparison with the paired encode, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.learn_samples import episode

from encoder_bridge.encode.layouts import ALTREF, INTER, KEY, LAYERS, RECORD, SHOW_EXISTING, SHOWN
from muzero_rc.agent.batch import PRIVILEGED, PRIVILEGED_OF_LAYER
from muzero_rc.experience.comparison import compared, progress_of
from muzero_rc.experience.paired import PairedEncode

KEY_LAYER, TOP, LEAF = (LAYERS.index(name) for name in ("key", "top", "leaf"))
STEPS = np.arange(256) / 32.0
PIXELS = 100
# Key frame, hidden alt-ref, leaf, the alt-ref is shown, leaf: four shown frames of five results.
KINDS = [(KEY, KEY_LAYER), (ALTREF, TOP), (INTER, LEAF), (SHOW_EXISTING, LEAF), (INTER, LEAF)]


def progress(bits, psnrs, qindexes=(64, 96, 128, 0, 128), kinds=KINDS):
    records = np.zeros(len(kinds), RECORD)
    shown = np.zeros(len(psnrs), SHOWN)
    for row, (kind, layer), size, qindex in zip(records, kinds, bits, qindexes, strict=True):
        row["frame_type"], row["layer"], row["bits"], row["qindex"] = kind, layer, size, qindex
        row["pixels"], row["sse"] = 150, 150 * 255.0**2 / 10 ** (40 / 10)
    for row, psnr in zip(shown, psnrs, strict=True):
        row["sse_y"] = round(PIXELS * 255.0**2 / 10 ** (psnr / 10))
    return progress_of(records, shown, STEPS, len(LAYERS), PIXELS)


PAIR = PairedEncode(episode(rate_kbps=99.0, target_kbps=100, psnr_y_db=38.0), slope_db=5.0, anchor_db=38.5)
PAIRED = progress([4000, 3000, 1500, 0, 1500], [40.0, 36.0, 38.0, 38.0])


def column(inputs, name, layer=None):
    if layer is None:
        return inputs[:, PRIVILEGED.index(name)]
    at = PRIVILEGED_OF_LAYER.index(name) * len(LAYERS)
    return inputs[:, len(PRIVILEGED) + at + layer]


def test_the_paired_encode_itself_is_even_all_along():
    running, inputs = compared(PAIRED, PAIRED, PAIR)
    assert running.shape == (6,) and not running.any()
    assert not column(inputs, "bits").any() and not column(inputs, "step", TOP).any()
    np.testing.assert_allclose(column(inputs, "shown"), np.array([0, 1, 1, 2, 3, 4]) / 4)


def test_a_running_gain_by_hand():
    """A finer alt-ref: 1 000 bits more at once, and half a dB more in each of the frames that follow."""
    own = progress([4000, 4000, 1500, 0, 1500], [40.0, 36.5, 38.5, 38.5], (64, 80, 128, 0, 128))
    running, inputs = compared(own, PAIRED, PAIR)
    quality = 100.0 / 5.0 * np.array([0.0, 0.0, 0.0, 0.5, 1.0, 1.5]) / 4.0
    np.testing.assert_allclose(running, quality - 10.0 * np.array([0, 0, 1, 1, 1, 1]), atol=0.02)
    np.testing.assert_allclose(column(inputs, "step", TOP), [0, 0, -1, -1, -1, -1])
    np.testing.assert_allclose(column(inputs, "bits", TOP), [0, 0, 2, 2, 2, 2])
    assert (column(inputs, "left")[2:5] < 0.0).all()


def test_an_encode_that_still_runs_compares_as_it_will():
    own = progress([4000, 4000, 1500, 0, 1500], [40.0, 36.5, 38.5, 38.5])
    whole = compared(own, PAIRED, PAIR)
    part = progress([4000, 4000, 1500], [40.0, 36.5], (64, 96, 128), KINDS[:3])
    for said, later in zip(compared(part, PAIRED, PAIR), whole, strict=True):
        np.testing.assert_allclose(said, later[:4])
    nothing = progress([], [], (), [])
    assert compared(nothing, PAIRED, PAIR)[0].tolist() == [0.0]


def test_other_gops_are_compared_by_what_was_shown():
    kinds = [(KEY, KEY_LAYER), *[(INTER, LEAF)] * 3]
    own = progress([4000, 2000, 2000, 2000], [40.0, 36.0, 38.0, 38.0], (64, 96, 128, 128), kinds)
    running, _ = compared(own, PAIRED, PAIR)
    # After two shown frames the paired encode has its alt-ref and its first leaf.
    np.testing.assert_allclose(running, [0.0, 0.0, 25.0, 5.0, 0.0], atol=0.02)


def test_a_still_unknown_error_counts_as_even():
    records = np.zeros(1, RECORD)
    records["frame_type"], records["sse"], records["pixels"], records["bits"] = KEY, -1, 150, 4000
    own = progress_of(records, np.zeros(0, SHOWN), STEPS, len(LAYERS), PIXELS)
    running, inputs = compared(own, PAIRED, PAIR)
    assert np.isfinite(inputs).all() and running.tolist() == pytest.approx([0.0, 0.0])
    assert SimpleNamespace(shown=own.shown.tolist()).shown == [0, 1]
