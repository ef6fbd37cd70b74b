"""Candidates: several encodes of one clip at one target, the best of which is kept.

The first candidate is the policy's own encode; the next ones are the policy's with other GOPs. Each after
them plays the best encode so far again, its qindexes moved by noise that all frames of a layer share; the
guard in C stands behind it. Noise that was no good is played once more with its sign turned. What is kept in
the end is spliced: from each key frame to the next what the best candidate made of it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.ivf import IvfWriter, ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.candidate_search import CandidateSearch
from muzero_rc.encoding.file_encode import FileEncode, Wishes
from muzero_rc.encoding.gop_search import worth_of
from muzero_rc.encoding.passes import OnProgress, of_pass, played_pass, second_pass
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.rehearsal import Rehearsals
from muzero_rc.encoding.replays import FINEST, Candidate
from muzero_rc.encoding.splicing import Segment
from muzero_rc.encoding.workers import Told, run_all


@dataclass(frozen=True)
class Contest:
    """The output file, and the candidates that it was made of.

    Attributes:
        done: the encode; its seconds are those of all.
        candidates: in the order in which they were made.
        segments: of the output, and which candidate each of them is from.
    """

    done: FileEncode
    candidates: tuple[Candidate, ...]
    segments: tuple[Segment, ...]

    @property
    def winner(self) -> int | None:
        """Number of the candidate that the output is; None: it is made of several."""
        return self.segments[0].candidate if len(self.segments) == 1 else None

    @property
    def gain_db(self) -> float:
        """The output's PSNR over the first candidate's, which is the policy's own encode."""
        return self.done.result.psnr_y_db - self.candidates[0].psnr_y_db


class _Packets:
    """The packets of those candidates that are still needed, each in a scratch file."""

    def __init__(self, clip: VideoFile) -> None:
        self._clip = clip
        self._files: dict[int, tuple[IvfWriter, ExitStack]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keep(frozenset())

    def of(self, number: int) -> IvfWriter:
        """A new file, for a candidate's packets."""
        stack = ExitStack()
        self._files[number] = (stack.enter_context(ivf_file(self._clip)), stack)
        return self._files[number][0]

    def keep(self, numbers: frozenset[int]) -> None:
        """All other files go."""
        for number in self._files.keys() - numbers:
            self._files.pop(number)[1].close()

    @contextmanager
    def joined(self, segments: Sequence[Segment]) -> Iterator[IvfWriter]:
        """A file with each segment's packets."""
        if len(segments) == 1:
            yield self._files[segments[0].candidate][0]
            return
        with ivf_file(self._clip) as whole:
            for one in segments:
                whole.append(self._files[one.candidate][0], one.start, one.end)
            whole.flush()
            yield whole


def encode_best(
    clip: VideoFile,
    output: Output,
    *,
    count: int,
    policy: _native.Policy,
    config: EncoderConfig,
    wishes: Wishes | None = None,
    first: FirstPass | None = None,
    workers: int = 1,
    rehearsals: Rehearsals | None = None,
    on_progress: OnProgress | None = None,
) -> Contest:
    """Encodes `clip` `count` times; `output` appears with the best when all are done.

    Temporary files keep the packets of the present encode, and of those that the output may be made of: the
    best one where a clip has one key frame only, else some, up to `count`.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        count: of candidates, 1 or more.
        policy: the first candidate's.
        config: the settings; size and frame rate are taken from `clip`.
        wishes: None for the usual ones; there is no refill, the last of four and more candidates is one.
        first: the clip's first pass, where it was made already.
        workers: encoders at once. Candidates that are made together do not know what became of each other.
        rehearsals: of the clip, which choose the second candidate's GOPs.
        on_progress: see `OnProgress`; candidate i is pass 1 + i. Of those that are made together the last one
            tells, how far they are on average.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    started = time.monotonic()
    wishes = wishes or Wishes()
    config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
    first = first or clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    rehearsals = rehearsals or Rehearsals()
    gops = rehearsals.gops(clip, first, config, policy=policy, workers=workers, on_progress=on_progress)
    search = CandidateSearch(
        count,
        worth_of(policy, first.stats),
        finest=wishes.finest or FINEST,
        bit_depth=clip.bit_depth,
        lag=config.lag_in_frames,
        rehearsed=() if gops is None else gops.whole,
    )
    tried: list[Candidate] = []

    def job(number: int, writer: IvfWriter) -> Callable[[Told], EncodeResult]:
        proposal = None if number == 1 else search.next(number)

        def run(told: Told) -> EncodeResult:
            if isinstance(proposal, QindexPlan):
                return played_pass(clip, first, config, writer, proposal, told)
            return second_pass(clip, first, config, writer, policy=policy, shapes=proposal, progress=told)

        return run

    with _Packets(clip) as kept:
        while len(tried) < count:
            number = len(tried) + 1
            end = min(number + min(workers, search.at_once(number)), count + 1)
            jobs = [job(one, kept.of(one)) for one in range(number, end)]
            results = run_all(jobs, workers, _averaged(of_pass(end, on_progress), len(jobs)))
            for one, result in enumerate(results, number):
                tried.append(Candidate.of(one, result))
                search.tell(one, result)
            kept.keep(search.needed)
        best = search.best
        with kept.joined(best.segments) as packets:
            size, notes = write_output(
                packets,
                clip,
                output,
                frames=best.result.frames,
                audio=wishes.audio,
                audio_kbps=wishes.audio_kbps,
            )
    done = FileEncode(
        best.result, time.monotonic() - started, size, notes, count, workers=min(workers, count)
    )
    return Contest(done, tuple(tried), best.segments)


def _averaged(told: Told | None, encodes: int) -> Told | None:
    """Takes the sum of several encodes' progress."""
    if told is None:
        return None
    return lambda total: told(
        Progress(total.frames // encodes, total.packets // encodes, total.bits // encodes)
    )
