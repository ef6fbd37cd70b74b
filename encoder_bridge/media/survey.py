"""Survey: decoding a selection once to learn its frames, their times, and a hash of them all.

The bytes of a file do not tell these where frames are filtered or come from many files.
"""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import numpy as np

from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode_command import decode_command
from encoder_bridge.media.ffmpeg import check_memory, complaints, last_complaint, running
from encoder_bridge.media.selection import Selection
from encoder_bridge.media.sources import Source
from encoder_bridge.media.timestamps import Ticks, Timeline, timeline_of

_TICK = Fraction(1, 90_000)
"""Seconds; ffmpeg would round to whole frames of the nominal rate."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a selection decodes to."""

    size: tuple[int, int]
    sample_aspect: Fraction
    timeline: Timeline
    time_base: Fraction
    digest: str
    """Of all frames."""


def survey(
    source: Source,
    stream: int,
    selection: Selection,
    rates: list[Fraction],
    max_frames: int | None,
    bit_depth: int,
) -> Survey:
    """Decodes everything once, into samples of `bit_depth` bits.

    Raises:
        BadInput: ffmpeg cannot, or does not know the filter.
        EncodeFailed: it ran out of memory.
    """
    command = decode_command(
        source.path,
        stream,
        dict(source.options),
        selection,
        max_frames,
        bit_depth=bit_depth,
        survey_tick=_TICK,
    )
    said: dict[str, str] = {}
    digest = hashlib.blake2b(digest_size=20)
    with running(command, stdout=subprocess.PIPE) as (process, stderr):
        assert process.stdout is not None
        rows = np.array([*_rows(process.stdout, said, digest.update)], np.int64).reshape(-1, 2)
        status, text = process.wait(), complaints(stderr)
    check_memory("ffmpeg", status, text)
    if status != 0:
        doing = f"--filter {selection.filter}" if selection.filter else source.name
        raise BadInput(f"{doing} cannot be used: {last_complaint(text)}")
    width, _, height = said.get("dimensions 0", "0x0").partition("x")
    rates = [selection.fps] if selection.fps is not None else [] if selection.filter else rates
    shape = said.get("sar 0", "1/1").split("/")
    return Survey(
        size=(int(width), int(height)),
        sample_aspect=Fraction(int(shape[0]), int(shape[1])) if "0" not in shape else Fraction(1),
        timeline=timeline_of(Ticks(rows[:, 0], rows[:, 1]), Fraction(said.get("tb 0", "1/90000")), rates),
        time_base=Fraction(said.get("tb 0", "1/90000")),
        digest=digest.hexdigest(),
    )


def _rows(
    lines: IO[bytes], said: dict[str, str], count_in: Callable[[bytes], None]
) -> Iterator[tuple[int, int]]:
    """Time and duration of each frame in ffmpeg's list; its head goes into `said`."""
    for line in lines:
        if line.startswith(b"#"):
            key, _, value = line[1:].decode().partition(":")
            said[key] = value.strip()
            continue
        cells = line.split(b",")
        count_in(cells[-1])
        yield int(cells[2]), int(cells[3])
