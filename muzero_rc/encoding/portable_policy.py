"""Portable policies: opened here, and opened again wherever a job that names them runs."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from encoder_bridge import _native
from encoder_bridge.encode.batch import Job
from muzero_rc.deploy.policy_names import CONTROLLER


@dataclass(frozen=True, eq=False)
class PortablePolicy:
    """An opened policy that can be pickled: as the bytes of its file, as they were when it was opened.

    Attributes:
      native: `_native.Policy`.
      content: of the file; None for the controller, which has none.
    """

    native: Any
    content: bytes | None

    @property
    def key(self) -> str:
        """Names the very content."""
        return f"policy {CONTROLLER if self.content is None else sha256(self.content).hexdigest()}"

    def __reduce__(self) -> tuple[Callable[..., "PortablePolicy"], tuple[bytes | None]]:
        return _reopened, (self.content,)


def open_portable(source: str) -> PortablePolicy:
    """Opens a policy file, or the controller by its name.

    Raises:
      NativeError: the file is no policy, or one that this version cannot run.
      OSError: it cannot be read.
    """
    if source == CONTROLLER:
        return _reopened(None)
    return PortablePolicy(_native.Policy(source), Path(source).read_bytes())


def with_opened_policy(job: Job) -> Job:
    """The job as an encoder takes it."""
    return replace(job, policy=job.policy.native) if isinstance(job.policy, PortablePolicy) else job


@lru_cache(maxsize=16)
def _reopened(content: bytes | None) -> PortablePolicy:
    """The policy of a content; once opened, many jobs share it."""
    if content is None:
        return PortablePolicy(_native.Policy(CONTROLLER), None)
    with os.fdopen(os.memfd_create("policy"), "wb") as file:
        file.write(content)
        file.flush()
        return PortablePolicy(_native.Policy(f"/proc/self/fd/{file.fileno()}"), content)
