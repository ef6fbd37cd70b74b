"""Candidates: several encodes of one clip at one target, the best of which is kept.

The first candidate is the policy's own encode; the next ones are the policy's with other GOPs. Each after
them plays the best encode so far again, its qindexes moved by noise that all frames of a layer share; the
guard in C stands behind it. Noise that was no good is played once more with its sign turned.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import Output
from encoder_bridge.media.probe import VideoFile
from muzero_rc.encoding.candidate_search import CandidateSearch
from muzero_rc.encoding.file_encode import FileEncode, Wishes
from muzero_rc.encoding.gop_search import worth_of
from muzero_rc.encoding.passes import OnProgress, of_pass, played_pass, second_pass
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.replays import FINEST, Candidate


@dataclass(frozen=True)
class Contest:
    """The output file, and the candidates that it was chosen from.

    Attributes:
        done: the winner's encode; its seconds are those of all.
        candidates: in the order in which they were made.
        winner: among them.
    """

    done: FileEncode
    candidates: tuple[Candidate, ...]
    winner: Candidate

    @property
    def gain_db(self) -> float:
        """The winner's PSNR over the first candidate's, which is the policy's own encode."""
        return self.winner.psnr_y_db - self.candidates[0].psnr_y_db


def encode_best(
    clip: VideoFile,
    output: Output,
    *,
    count: int,
    policy: _native.Policy,
    config: EncoderConfig,
    wishes: Wishes | None = None,
    first: FirstPass | None = None,
    on_progress: OnProgress | None = None,
) -> Contest:
    """Encodes `clip` `count` times; `output` appears with the best when all are done.

    The best encode's packets and the present one's are kept in temporary files, nothing else.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        output: from `encoder_bridge.media.output.check_output`.
        count: of candidates, 1 or more.
        policy: the first candidate's.
        config: the settings; size and frame rate are taken from `clip`.
        wishes: None for the usual ones; there is no refill, the last of four and more candidates is one.
        first: the clip's first pass, where it was made already.
        on_progress: see `OnProgress`; candidate i is pass 1 + i.

    Raises:
        BadInput, EncodeFailed: as `encode_file`.
    """
    started = time.monotonic()
    wishes = wishes or Wishes()
    config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
    first = first or clip_first_pass(clip, config, progress=of_pass(1, on_progress))
    search = CandidateSearch(
        count,
        worth_of(policy, first.stats),
        finest=wishes.finest or FINEST,
        bit_depth=clip.bit_depth,
        lag=config.lag_in_frames,
    )
    tried = []
    with ExitStack() as kept:
        for number in range(1, count + 1):
            progress = of_pass(1 + number, on_progress)
            with ExitStack() as current:
                writer = current.enter_context(ivf_file(clip))
                proposal = None if number == 1 else search.next(number)
                if isinstance(proposal, QindexPlan):
                    result = played_pass(clip, first, config, writer, proposal, progress)
                else:
                    result = second_pass(
                        clip, first, config, writer, policy=policy, shapes=proposal, progress=progress
                    )
                tried.append(Candidate.of(number, result))
                if search.tell(number, result):
                    kept.close()  # the last best one's file goes
                    kept.enter_context(current.pop_all())
                    best, packets = result, writer
        size, notes = write_output(
            packets,
            clip,
            output,
            frames=best.frames,
            audio=wishes.audio,
            audio_kbps=wishes.audio_kbps,
        )
    done = FileEncode(best, time.monotonic() - started, size, notes, count)
    return Contest(done, tuple(tried), search.best)
