"""What man pages and shell completion are made of: a parser's options and verbs."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from muzero_rc.deploy.policy_names import CONTROLLER, LIBVPX, shipped

_FILES = ("FILE", "PATH", "DIR", "FOLDER", "OUT", "INPUT", "CLIP", "CLIPS", "CORPUS", "X.")
"""Beginnings of metavars that stand for something on disk."""
_POLICY = ("policy", "init_from")


@dataclass(frozen=True)
class Argument:
    """One option or positional argument.

    Attributes:
        names: of an option, short ones first; none for a positional argument.
        value: what it takes, as usage says it; "" for a flag.
        help: in words, with defaults filled in.
        words: values that can be listed.
        files: whether it takes names of files or folders.
        repeats: whether it may be given again.
    """

    names: tuple[str, ...]
    value: str
    help: str
    words: tuple[str, ...]
    files: bool
    repeats: bool


def arguments(parser: argparse.ArgumentParser) -> Iterator[Argument]:
    """All of a parser's own but its verbs, in the order of its help."""
    formatter = argparse.HelpFormatter(parser.prog)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        value = "" if action.nargs == 0 else _value(action)
        is_policy = action.dest in _POLICY
        words = tuple(str(choice) for choice in action.choices or ())
        if is_policy:
            words = (CONTROLLER, LIBVPX, *shipped())
        yield Argument(
            names=tuple(action.option_strings),
            value=value,
            help=formatter._expand_help(action) if action.help else "",
            words=words,
            files=bool(value) and (is_policy or value.startswith(_FILES)),
            repeats=isinstance(action, argparse._AppendAction) or action.nargs in ("+", "*"),
        )


def verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Its verbs' parsers by name; empty for a command without."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def verb_help(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each verb does, in a line."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {choice.dest: choice.help or "" for action in found for choice in action._choices_actions}


def _value(action: argparse.Action) -> str:
    if action.choices is not None and not action.metavar:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper().replace("_", "-"))
