"""Targets: the few bitrates that an instance is encoded at, spread over its anchor curve."""

import itertools
import zlib

from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore


def spread_targets(store: ClipStore, instance: Instance, parts: int, stream: str = "") -> list[int]:
    """Targets in kbps, one drawn from each of equal parts of the anchor's log rates."""
    rates = store.anchor(instance).rates_kbps
    targets = []
    for part in range(parts):
        share = (part + zlib.crc32(f"{instance.name}/{stream}{part}".encode()) / 2.0**32) / parts
        targets.append(max(1, round(rates[0] ** (1.0 - share) * rates[-1] ** share)))
    return targets


def instance_targets(store: ClipStore, instance: Instance, count: int) -> list[int]:
    """An instance's first targets, for sweeps and self-play alike.

    They come in pairs, one in each half of the anchor's log rates: asking for more keeps those that were.
    """
    pairs = [
        spread_targets(store, instance, 2, f"scan {pair} " if pair else "scan ")
        for pair in range((count + 1) // 2)
    ]
    return list(dict.fromkeys(itertools.chain(*pairs)))[:count]
