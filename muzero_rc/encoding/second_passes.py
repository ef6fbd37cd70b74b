"""A clip's second passes, whichever way they are made: by one encoder, or in parts by several."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from encoder_bridge import _native
from encoder_bridge.encode import first_pass_cache as cache
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.result import EncodeResult, FirstPass
from encoder_bridge.encode.waiting import Progress
from encoder_bridge.media.decode import content_digest
from encoder_bridge.media.probe import VideoFile
from muzero_rc.deploy.policy_names import PolicyRef
from muzero_rc.encoding.film import USUAL_FRAMES, Film, FilmResult, cut, encode_film, play_film
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.part_store import store_of
from muzero_rc.encoding.passes import PacketSink, played_pass, second_pass
from muzero_rc.encoding.qindex_plan import QindexPlan
from muzero_rc.encoding.workers import usual_workers

OnFrames = Callable[[Progress], None] | None


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who makes second passes.

    Attributes:
        workers: encoders at once; None is by cores and memory, and one for a short clip.
        identity: names the policy's content and this program's version: of what is kept between runs.
    """

    workers: int | None = 1
    identity: str = ""


def identity_of(policy: PolicyRef) -> str:
    """Names what decides: the policy's content, and this program's version."""
    built = Path(_native.__file__).stat()
    content = policy.native or ""
    with suppress(OSError):
        content = content_digest(Path(content))
    return f"{content} {version('muzero-rc')} {built.st_size} {built.st_mtime_ns}"


class SecondPasses(Protocol):
    """One clip's second passes under one policy."""

    @property
    def parts(self) -> int:
        """That the clip is cut into."""

    @property
    def workers(self) -> int:
        """Encoders at once."""

    def encode(self, config: EncoderConfig, writer: PacketSink, progress: OnFrames) -> EncodeResult:
        """As the policy wants it."""

    def play(
        self,
        config: EncoderConfig,
        writer: PacketSink,
        plan: QindexPlan,
        before: EncodeResult,
        progress: OnFrames,
    ) -> EncodeResult:
        """As a plan wants it that was made from the encode `before`."""

    def done(self) -> None:
        """The output is there: nothing needs to be kept."""


def second_passes(
    clip: VideoFile,
    first: FirstPass,
    config: EncoderConfig,
    policy: _native.Policy | None,
    crew: Crew,
    gops: GopPlan | None = None,
) -> SecondPasses:
    """The second passes of a clip: in parts where there are several workers and key frames to cut at.

    Args:
        clip: from `encoder_bridge.media.decode.open_clip`.
        first: its first pass.
        config: with its size and frame rate.
        policy: None is libvpx's own rate control, which cannot be told of other parts.
        crew: who makes them.
        gops: in place of the policy's.
    """
    workers = crew.workers
    if workers is None:
        alone = first.frames < 2 * USUAL_FRAMES or config.max_kbps  # a peak runs through all parts
        workers = 1 if alone else usual_workers(config)
    if policy is not None and workers > 1 and len(starts := cut(first, config, workers)) > 1:
        settings = config.replace(target_kbps=1).settings_key()
        store = store_of((cache.first_pass_key(clip, config), settings, crew.identity))
        store.remove_old(time.time())
        workers = min(workers, len(starts))
        film = Film(clip=clip, first=first, starts=starts, workers=workers, store=store)
        return _InParts(film, policy, gops)
    return _Whole(clip, first, policy, gops)


@dataclass(frozen=True)
class _Whole:
    clip: VideoFile
    first: FirstPass
    policy: _native.Policy | None
    gops: GopPlan | None
    parts: int = 1
    workers: int = 1

    def encode(self, config: EncoderConfig, writer: PacketSink, progress: OnFrames) -> EncodeResult:
        return second_pass(
            self.clip,
            self.first,
            config,
            writer,
            policy=self.policy,
            shapes=None if self.gops is None else self.gops.whole,
            progress=progress,
        )

    def play(
        self,
        config: EncoderConfig,
        writer: PacketSink,
        plan: QindexPlan,
        before: EncodeResult,
        progress: OnFrames,
    ) -> EncodeResult:
        return played_pass(self.clip, self.first, config, writer, plan, progress)

    def done(self) -> None:
        pass


@dataclass(frozen=True)
class _InParts:
    film: Film
    policy: _native.Policy
    gops: GopPlan | None

    @property
    def parts(self) -> int:
        return len(self.film.starts)

    @property
    def workers(self) -> int:
        return self.film.workers

    def encode(self, config: EncoderConfig, writer: PacketSink, progress: OnFrames) -> EncodeResult:
        return encode_film(self.film, config, writer, policy=self.policy, gops=self.gops, progress=progress)

    def play(
        self,
        config: EncoderConfig,
        writer: PacketSink,
        plan: QindexPlan,
        before: EncodeResult,
        progress: OnFrames,
    ) -> EncodeResult:
        assert isinstance(before, FilmResult)
        return play_film(self.film, config, writer, plan, before, progress=progress)

    def done(self) -> None:
        self.film.store.remove()
