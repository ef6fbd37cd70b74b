"""Credits of GOPs: from the encodes of shape scans to what each GOP was worth.

An encode's cost is counted frame by frame, as per cent of the clip's rate: bits, spread over their GOP, less
quality at the slope of the clip's curve. A GOP's credit is by how much its frames were cheaper than in the
mean of the clip's encodes; credits add up to an encode's gain.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.gop_shapes import gop_starts
from encoder_bridge.encode.layouts import ALTREF, Records
from encoder_bridge.encode.lookahead import look_ahead
from muzero_rc.corpus.frame_store import raw_clip_of
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.gop_costs import bits_by_frame, frame_costs, usual_step
from muzero_rc.encoding.gop_search import LONGEST, SHORTEST
from muzero_rc.errors import RunError
from muzero_rc.shapes.scan_file import by_objective, clip_hash
from muzero_rc.types import Array

FRAMES_MOST = 140  # of a clip, as in most scans
TRIALS = ("own", "length", "random", "plan")
LEAST_TRIALS = 10


@dataclass(frozen=True)
class Sequences:
    """Encodes and their GOPs, N of them and M altogether.

    Attributes:
      features: f4[M, F]; credit: f4[M] per cent; share: f4[M] of the clip's frames; of: i4[M], which encode.
      gain: f4[N] per cent over libvpx's own shapes; tail: f4[N] share of frames in GOPs that have no alt-ref.
      group: i4[N], encodes of one clip at one target; clip: str[N].
    """

    features: Array
    credit: Array
    share: Array
    of: Array
    gain: Array
    tail: Array
    group: Array
    clip: Array

    def only(self, chosen: Array) -> "Sequences":
        """Some of the encodes, bool[N]."""
        gops = chosen[self.of]
        _, of = np.unique(self.of[gops], return_inverse=True)
        _, group = np.unique(self.group[chosen], return_inverse=True)
        return Sequences(
            self.features[gops], self.credit[gops], self.share[gops], of,
            self.gain[chosen], self.tail[chosen], group, self.clip[chosen],
        )  # fmt: skip


def records_of(row: Mapping[str, Any]) -> Records:
    """The coded frames of a scan's row, as records."""
    columns = row["frames"]
    records = np.zeros(len(columns["bits"]), [(name, np.int64) for name in columns])
    for name, values in columns.items():
        records[name] = values
    return records


def slope_db(rows: Sequence[Mapping[str, Any]]) -> float:
    """What e times the rate brings in dB, on the clip's curve."""
    known = [row["db_per_percent"] for row in rows if row["db_per_percent"] > 0]
    return float(np.clip(100.0 * np.median(known or [0.05]), 1.0, 20.0))


def shape_features(path: Path, frames: int, cache: Path) -> Callable[[float], Array]:
    """Step to f4[T, lengths, F] of a clip's first T frames."""
    raw = raw_clip_of(Instance(path.stem, path.stem, (path,)), max(FRAMES_MOST, frames), cache / "frames")
    found = look_ahead(raw.frames[:frames], raw.width, raw.height)

    def at(step: float) -> Array:
        out = np.zeros((frames, LONGEST - SHORTEST + 1, len(_native.feature_tables()["shape"])), np.float32)
        _native.shape_features(found, step, out)
        return out

    return at


def one_group(rows: Mapping[str, Mapping[str, Any]], features: Callable[[float], Array]) -> Iterator[Any]:
    """(features, credits, shares, gain, tail) of each encode of one clip at one target."""
    own, slope = rows["own"], slope_db(list(rows.values()))
    frames = len(own["frame_psnr"])
    table = features(usual_step(records_of(own)))
    costs, starts = {}, {}
    total = float(bits_by_frame(records_of(own), frames).mean())
    for name, row in rows.items():
        records = records_of(row)
        starts[name] = sorted({*gop_starts(records), 0})
        bits, psnr = bits_by_frame(records, frames), np.array(row["frame_psnr"])
        costs[name] = frame_costs(bits, total, starts[name], psnr, slope)
    usual = np.mean(list(costs.values()), 0)
    for name, row in rows.items():
        x, y, share, tail = [], [], [], 0.0
        for begin, end in zip(starts[name], (*starts[name][1:], frames - 1), strict=True):
            if SHORTEST <= end - begin <= LONGEST:
                x.append(table[begin, end - begin - SHORTEST])
                y.append(-float((costs[name] - usual)[begin + 1 : end + 1].mean()))
                share.append((end - begin) / frames)
            else:
                tail += (end - begin) / frames
        records = records_of(row)
        last = starts[name][-1] if starts[name][-1] < frames - 1 else starts[name][-2]
        if not np.any((records["frame_type"] == ALTREF) & (records["show_index"] > last)):
            tail += (frames - 1 - last) / frames
        gain = 100.0 * ((row["psnr_y_db"] - own["psnr_y_db"]) / slope - np.log(row["kbps"] / own["kbps"]))
        yield x, y, share, gain, tail


def read_sequences(
    rows: Iterable[Mapping[str, Any]], clips: Mapping[str, Path], cache: Path, least: int = LEAST_TRIALS
) -> Sequences:
    """All encodes of scans whose lengths alone were varied.

    Args:
      rows: of `muzero_rc.shapes.scan_file`.
      clips: by name; encodes of others, and of what these clips were before, are left out.
      cache: of frames.
      least: encodes of a clip at a target, or they are left out; 2 or more.

    Raises:
      RunError: there are not enough encodes of any clip.
      BadInput: a clip cannot be decoded.
    """
    groups: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for row in rows:
        if row["clip"] in clips and row["trial"].startswith(TRIALS):
            groups[row["clip"], row["kbps_asked"]][row["trial"]] = by_objective(row)
    made: dict[str, Callable[[float], Array]] = {}
    columns: dict[str, list[Any]] = defaultdict(list)
    for number, ((clip, _), found) in enumerate(sorted(groups.items())):
        content = clip_hash((clips[clip],))
        of_now = {name: row for name, row in found.items() if row.get("clip_hash", content) == content}
        if "own" not in of_now or len(of_now) < least:
            continue
        if clip not in made:
            made = {clip: shape_features(clips[clip], len(of_now["own"]["frame_psnr"]), cache)}
        for x, y, share, gain, tail in one_group(of_now, made[clip]):
            columns["of"] += [len(columns["gain"])] * len(x)
            for name, values in (("features", x), ("credit", y), ("share", share)):
                columns[name] += values
            for name, value in (("gain", gain), ("tail", tail), ("group", number), ("clip", clip)):
                columns[name].append(value)
    if not columns:
        raise RunError(
            f"no clip can be learned from: of each, encodes with libvpx's own shapes and {least - 1} "
            "other sequences of lengths are needed"
        )
    arrays = {name: np.array(values) for name, values in columns.items()}
    _, arrays["group"] = np.unique(arrays["group"], return_inverse=True)
    return Sequences(**arrays)


def less_group_means(values: Array, group: Array) -> Array:
    """What differs between the encodes of one clip at one target."""
    means = np.bincount(group, values) / np.bincount(group)
    return np.asarray(values - means[group])


def credit_correlation(data: Sequences) -> float:
    """How well credits add up: inside a clip, between their sums and the encodes' gains."""
    summed = np.bincount(data.of, data.credit * data.share, len(data.gain))
    of_sums, of_gains = (less_group_means(values, data.group) for values in (summed, data.gain))
    return float(np.corrcoef(of_sums, of_gains)[0, 1])
