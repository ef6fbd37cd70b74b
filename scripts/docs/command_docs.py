#!/usr/bin/env python3
"""Writes the commands' man pages and shell completion, made from their parsers.

    scripts/docs/command_docs.py FOLDER

FOLDER gets man/man1, bash-completion/completions and zsh/site-functions, as they belong under share.
The build of a wheel runs this; it needs the standard library only.
"""

import argparse
import importlib
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from bash_completion import bash_completion  # noqa: E402
from man_page import man_page  # noqa: E402
from zsh_completion import zsh_completion  # noqa: E402

COMMANDS = ("encode", "report", "train", "plugin")


def main(argv: Sequence[str] | None = None) -> int:
    """Writes all files."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", metavar="FOLDER", type=Path)
    for name, text in texts().items():
        path = arguments.parse_args(argv).folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def texts() -> dict[str, str]:
    """What every file holds, by its path under share."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = {}
    for parser in parsers():
        name = parser.prog
        found[f"man/man1/{name}.1"] = man_page(parser, f"{project['name']} {project['version']}")
        found[f"bash-completion/completions/{name}"] = bash_completion(parser)
        found[f"zsh/site-functions/_{name}"] = zsh_completion(parser)
    return found


def parsers() -> list[argparse.ArgumentParser]:
    """Of all commands."""
    return [importlib.import_module(f"muzero_rc.cli.{name}").parser() for name in COMMANDS]


if __name__ == "__main__":
    sys.exit(main())
