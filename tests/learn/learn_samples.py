"""Small made-up things that several tests need."""

import numpy as np

from muzero_rc.episodes import SELFPLAY, Episode
from muzero_rc.reward import Outcome

RECORD = np.dtype(
    [
        ("frame_type", "<i4"),
        ("show_index", "<i4"),
        ("reference", "<i4"),
        ("qindex", "<i4"),
        ("bits", "<i8"),
        ("sse", "<i8"),
        ("pixels", "<i8"),
    ]
)


def episode(uid="x", **changes):
    """An episode of three frames; `changes` replace fields."""
    plain = {
        "uid": uid,
        "instance": "clip+mirror",
        "clip": "clip",
        "target_kbps": 100,
        "source": SELFPLAY,
        "greedy": True,
        "step": 7,
        "config_hash": "c0ffee",
        "encode_s": 0.5,
        "rate_kbps": 99.5,
        "psnr_y_db": 38.25,
        "outcome": Outcome(0.5, 0.0),
        "records": np.arange(3 * 5).astype("i4")[:3].astype(RECORD),
    }
    return Episode(**{**plain, **changes})
