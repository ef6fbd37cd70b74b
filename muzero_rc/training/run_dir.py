"""Run folder: its layout, the lock of the process that writes it, and its provenance."""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from encoder_bridge.atomic_file import write_text
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import dump_config, load_config
from muzero_rc.corpus.cache_key import digest
from muzero_rc.errors import RunError

RUN_VERSION = 1


@dataclass(frozen=True)
class RunDir:
    """A run folder, locked by this process; a context manager.

    Attributes:
      path: the folder.
      config_hash: of the config; episodes carry it.
      lock: open as long as the run is locked.
    """

    path: Path
    config_hash: str
    lock: IO[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def episodes(self) -> Path:
        """The episode log."""
        return self.path / "episodes"

    @property
    def inbox(self) -> Path:
        """Episode logs of actors elsewhere, one folder each."""
        return self.path / "inbox"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the learner."""
        return self.path / "checkpoints"

    @property
    def policies(self) -> Path:
        """Exported policy files."""
        return self.path / "policies"

    def note(self) -> dict[str, Any]:
        """Provenance, noted when the run began."""
        return read_note(self.path)

    def close(self) -> None:
        """Releases the lock."""
        self.lock.close()


def open_run(path: Path, config: Config, provenance: dict[str, Any], *, resume: bool) -> RunDir:
    """Creates a run folder, or resumes the run in one.

    Args:
      path: the run's folder.
      config: of the run; kept in the folder. On resuming only the network must be as it was.
      provenance: noted when a run begins.
      resume: there may be a run already.

    Raises:
      RunError: there is a run but no `resume`, another process holds it, it is of another version,
        has another network, or saw another feature table.
    """
    if (path / "run.json").exists():
        if not resume:
            raise RunError(f"run folder {path} has a run already: add --resume, or choose another folder")
        before = load_run_config(path)
        if before.network != config.network:
            raise RunError(
                f"run folder {path}: its network differs from the config's; resume with its config"
            )
        learned, here = read_note(path).get("feature_version"), provenance.get("feature_version")
        if learned != here:
            raise RunError(
                f"run folder {path} was trained with feature table {learned}, this build has {here}: "
                "begin another run"
            )
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"run folder {path} holds something else: choose another folder")
    path.mkdir(parents=True, exist_ok=True)
    lock = (path / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise RunError(f"run folder {path} is in use by another process") from None
    for name in ("episodes", "inbox", "checkpoints", "policies"):
        (path / name).mkdir(exist_ok=True)
    write_text(path / "config.toml", dump_config(config))
    if not (path / "run.json").exists():
        write_text(path / "run.json", json.dumps({"version": RUN_VERSION, **provenance}, indent=1) + "\n")
    return RunDir(path, digest(dump_config(config)), lock)


def read_note(path: Path) -> dict[str, Any]:
    """Reads the provenance of a run folder.

    Raises:
      RunError: there is none, or it is of another version.
    """
    try:
        note: dict[str, Any] = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is no run folder: it has no run.json") from None
    except (OSError, ValueError) as error:
        raise RunError(f"run folder {path}: run.json cannot be read: {error}") from None
    if note.get("version") != RUN_VERSION:
        raise RunError(
            f"run folder {path} is of version {note.get('version')}, this program's is {RUN_VERSION}"
        )
    return note


def load_run_config(path: Path) -> Config:
    """Loads the config kept in a run folder, after checking the folder's version."""
    read_note(path)
    return load_config(path / "config.toml")


def replace_link(link: Path, target: Path) -> None:
    """Points a symbolic link at `target`, a file beside it, atomically."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target.name)
    temporary.replace(link)
