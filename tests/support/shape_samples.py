"""Made-up data of GOP shapes: sequences to fit to, and rows of a scan."""

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.layouts import ALTREF, INTER, KEY

FEATURES = len(_native.feature_tables()["shape"])
FRAMES = 33


def made_sequences(kind, clips=4, encodes=5, seed=7):
    """As many encodes of each clip, of GOPs whose worth is a known function of two features, and noise.

    `kind` is the class to make.
    """
    rng = np.random.default_rng(seed)
    columns = {name: [] for name in ("features", "credit", "share", "of", "gain", "tail", "group", "clip")}
    for clip in range(clips):
        for _ in range(encodes):
            *share, tail = rng.dirichlet(np.ones(7))
            x = rng.normal(0, 1, (6, FEATURES))
            worth = 4.0 * x[:, 0] - 3.0 * np.abs(x[:, 1])
            columns["of"] += [len(columns["gain"])] * 6
            columns["features"] += list(x)
            columns["credit"] += list(worth + rng.normal(0, 1, 6))
            columns["share"] += share
            columns["gain"].append(float(worth @ share - 2.0 * tail + rng.normal(0, 0.3)))
            columns["tail"].append(tail)
            columns["group"].append(clip)
            columns["clip"].append(f"made{clip}-01")
    made = {name: np.array(values) for name, values in columns.items()}
    return kind(**made | {"features": made["features"].astype(np.float32)})


def made_row(lengths, qindex, bits, psnr):
    """A scan's row of GOPs of some lengths, after which the clip ends: coded frames in coding order.

    Each GOP is its alt-ref and then leaves; frame i of the clip takes `bits` times 1 + i / 100.
    """
    columns = {name: [] for name in ("frame_type", "layer", "show_index", "gop_index", "qindex", "bits")}

    def code(kind, layer, shown, place, factor):
        frame = (kind, layer, shown, place, qindex, int(bits * factor * (1 + shown / 100)))
        for name, value in zip(columns, frame, strict=True):
            columns[name].append(value)

    code(KEY, 0, 0, 0, 8)
    begin = 0
    for length in lengths:
        code(ALTREF, 1, begin + length, 1, 4)
        for place, shown in enumerate(range(begin + 1, begin + length), 2):
            code(INTER, 5, shown, place, 1)
        begin += length
        code(INTER, 1, begin, 0, 0.1)
    for place, shown in enumerate(range(begin + 1, FRAMES), 1):
        code(INTER, 5, shown, place, 2)
    return {
        "frames": columns,
        "frame_psnr": [psnr + 0.1 * (i % 3) for i in range(FRAMES)],
        "psnr_y_db": psnr + 0.1,
        "kbps": sum(columns["bits"]) / 1000,
        "db_per_percent": 0.05,
    }
