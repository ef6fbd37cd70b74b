"""An episode: one encode from its first to its last frame, and its form on disk and on the wire.

Step features and the controller's q_ref are not kept: the extension recomputes them from `records`,
also for another target than the one that was played (`muzero_rc.experience.hindsight`).
"""

import io
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from encoder_bridge.errors import UserError
from muzero_rc.reward.outcome import Outcome
from muzero_rc.types import Array

DEMONSTRATION = "demonstration"  # a plan made without the agent
SELFPLAY = "selfplay"  # the agent with the opponent it had
PAIRED = "paired"  # the controller's own encode, which self-play is measured against; never trained on
EVALUATION = "evaluation"  # the exported policy; never trained on

OWN = "self"  # parent of the episodes that a run plays itself
OPTIMUM = "alt-ref-optimum"  # kind of the demonstrations to follow, see `demonstrations.alt_ref_sweep`

FORMAT = 2
"""Of the payload. 1: without kind, parent, index and frames_key."""


class EpisodeFormatError(UserError):
    """An episode of a format that this program does not read; the message names it."""


@dataclass(frozen=True)
class Name:
    """What an episode is called and where it belongs.

    Attributes:
      uid: unique in a log; the same work has the same uid, so it is never counted twice.
      kind: who decided: "agent", "policy", or what a source of demonstrations calls its own.
      parent: what it is one of: the stream of an actor, a sweep, the episode that a search began from.
      index: its number there.
    """

    uid: str
    kind: str
    parent: str = ""
    index: int = 0


@dataclass(frozen=True)
class Episode:
    """One encode from its first to its last frame.

    Attributes:
      uid, kind, parent, index: see `Name`.
      instance: name of what was encoded.
      frames_key: names the very frames.
      clip: what instances share an opponent by.
      target_kbps: the bitrate that was asked for.
      source: DEMONSTRATION, SELFPLAY, PAIRED or EVALUATION.
      greedy: played without exploration.
      step: learner step of the weights that played, 0 for demonstrations.
      config_hash: of the run's config.
      encode_s: CPU seconds of the encoder.
      rate_kbps: achieved, all packets.
      psnr_y_db: mean over shown frames of luma PSNR, each at most 60 dB.
      measured: what another objective than PSNR (`reward.metric`) made of it, else None.
      outcome: its final figures; what is measured against the paired encode is filled in where that is
        known (`muzero_rc.experience.paired`), not in the log.
      records: [N] one native record per result, in coding order, show-existing frames included.
      policies: [N, A] search policy of each record, or None.
      values: [N] search value of each record, or None.
      shapes: [G, 4] i4 of the GOPs as they were asked for (`encoder_bridge.encode.gop_shapes`), None where
        libvpx shaped all of them, and in logs that were written before this was kept.
      shown: [T] bytes and luma squared error of every shown frame (`layouts.SHOWN`); None in logs
        that were written before this was kept.
    """

    uid: str
    kind: str
    parent: str
    index: int
    instance: str
    frames_key: str
    clip: str
    target_kbps: int
    source: str
    greedy: bool
    step: int
    config_hash: str
    encode_s: float
    rate_kbps: float
    psnr_y_db: float
    outcome: Outcome
    records: Array
    policies: Array | None = None
    values: Array | None = None
    shown: Array | None = None
    shapes: Array | None = None
    measured: float | None = None

    @property
    def quality_db(self) -> float:
        """What it came to by the run's objective, which is PSNR unless the config says otherwise."""
        return self.psnr_y_db if self.measured is None else self.measured


_ARRAYS = ("records", "policies", "values", "shown", "shapes")


def to_bytes(episode: Episode) -> bytes:
    """The payload of one episode."""
    plain = {f.name: getattr(episode, f.name) for f in fields(Episode) if f.name not in _ARRAYS}
    plain |= {"format": FORMAT, "outcome": asdict(episode.outcome)}
    arrays = {name: getattr(episode, name) for name in _ARRAYS if getattr(episode, name) is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.frombuffer(json.dumps(plain).encode(), np.uint8), **arrays)
    return buffer.getvalue()


def from_bytes(payload: bytes) -> Episode:
    """The episode of a payload.

    Raises:
      EpisodeFormatError: an episode of a format that this program does not know.
      ValueError: anything else.
    """
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            plain: dict[str, Any] = json.loads(archive["meta"].tobytes())
            arrays = {name: archive[name] for name in _ARRAYS if name in archive}
        plain = _of_this_format(plain)
        plain["outcome"] = Outcome(**plain["outcome"])
        return Episode(**plain, **arrays)
    except EpisodeFormatError:
        raise
    except (OSError, KeyError, TypeError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"not an episode: {error}") from error


def _of_this_format(plain: dict[str, Any]) -> dict[str, Any]:
    """The fields of an episode, whatever the format that they were written in.

    Format 1 had an actor's stream and number in the uid alone. Demonstrations of format 1 are refused:
    they are made anew.
    """
    found = plain.pop("format", 1)
    if found == FORMAT:
        return plain
    if found == 1 and plain["source"] == SELFPLAY:
        parent, _, index = plain["uid"].rpartition("/")
        return {**plain, "kind": "agent", "parent": parent, "index": int(index), "frames_key": ""}
    raise EpisodeFormatError(f"a {plain['source']} episode of format {found}: this program's is {FORMAT}")
