"""Which muzero-rc this is: its version, and the commit where it runs out of a checkout."""

import subprocess
from importlib import metadata
from pathlib import Path


def own_version() -> str:
    """As people read it: "0.1.0, commit 1ec8b34", with "-dirty" where files differ from it."""
    version = metadata.version("muzero-rc")
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return version
    commit = first_line(["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"])
    return f"{version}, commit {commit}" if commit else version


def first_line(command: list[str]) -> str:
    """Of what a command prints; empty where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""
