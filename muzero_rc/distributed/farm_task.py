"""What a farm's tasks run on another machine: a job, or a call whose shared arguments are unpacked there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from encoder_bridge import _native
from encoder_bridge.atomic_file import whole_file
from encoder_bridge.encode.batch import Decide, Job, play
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.encode.waiting import pool_of_one
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.portable_policy import PortablePolicy, with_opened_policy
from muzero_rc.errors import RunError


@dataclass(frozen=True)
class FileParcel:
    """A file under way.

    Attributes:
      name: without its folder.
      sha256: of the content.
      content: a list with the one reference to it, so that it is fetched only where it is missing.
    """

    name: str
    sha256: str
    content: Sequence[Any]


@dataclass(frozen=True)
class Versions:
    """What must be the same on all machines for results to be the same bytes."""

    muzero_rc: str
    libvpx: str
    features: int


def versions_here() -> Versions:
    """This machine's."""
    found = _native.versions()
    return Versions(version("muzero-rc"), str(found["libvpx_runtime"]), int(found["feature_version"]))


def call(versions: Versions, function: Callable[..., Any], *args: Any) -> tuple[Any, Exception | None]:
    """What a function gives, or raises.

    Args:
      versions: of the machine that asks.
      function: of a module.
      args: its arguments; `FileParcel`s become paths.
    """
    try:
        here = versions_here()
        if here != versions:
            raise RunError(f"a machine of the farm has {here}, this one {versions}: install the same there")
        return function(*(_unpacked(arg) for arg in args)), None
    except Exception as error:
        return None, error


def _unpacked(arg: Any) -> Any:
    if not isinstance(arg, FileParcel):
        return arg
    path = cache_folder() / "farm" / arg.sha256 / arg.name
    if not path.exists():
        import ray

        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            Path(temporary).write_bytes(ray.get(arg.content[0]))
    return path


def play_job(
    engine: Engine, clip: RawClip, policy: PortablePolicy | None, job: Job, decide: Decide
) -> tuple[str, bytes, EncodeResult | None]:
    """Runs one job, whose clip and policy come apart from it: `BatchResult`'s error, stats and encode."""
    whole = with_opened_policy(replace(job, clip=clip, policy=policy))
    with pool_of_one(engine.native.Pool) as pool:
        (done,) = play(pool, 1, engine.layouts, [whole], decide)
    return done.error, done.stats, done.encode
