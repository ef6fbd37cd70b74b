"""A command's man page, in roff."""

import argparse

from parser_facts import Argument, arguments, verb_help, verbs


def man_page(parser: argparse.ArgumentParser, source: str) -> str:
    """The page of section 1; `source` is the package and its version."""
    name, what = parser.prog, (parser.description or "").partition(". ")[0].rstrip(".")
    lines = [
        f'.TH {roff(name.upper())} 1 "" "{roff(source)}" "User Commands"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(what[0].lower() + what[1:])}",
        ".SH SYNOPSIS",
        *_usage(parser),
        ".SH DESCRIPTION",
        roff(parser.description or ""),
        ".SH OPTIONS",
        *_arguments(parser),
    ]
    if verbs(parser):
        lines.append(".SH COMMANDS")
    for verb, sub in verbs(parser).items():
        lines += [f".SS {roff(sub.prog)}", roff(_sentence(verb_help(parser)[verb])), ".P", *_usage(sub)]
        if sub.description:
            lines += [".P", roff(sub.description)]
        lines += _arguments(sub)
        if sub.epilog:
            lines += [".P", roff(sub.epilog)]
    if parser.epilog:
        lines += [".SH NOTES", roff(parser.epilog)]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text that roff shows as it is: hyphens can be copied, and no line begins a request."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    words = parser.format_usage().removeprefix("usage: ").split()
    program = parser.prog.split()
    rest = " ".join(words[len(program) :])
    # Neither hyphenated nor stretched: it is copied.
    return [".nh", ".ad l", f"\\fB{roff(parser.prog)}\\fR {roff(rest)}".rstrip(), ".ad b", ".hy"]


def _arguments(parser: argparse.ArgumentParser) -> list[str]:
    lines: list[str] = []
    for argument in arguments(parser):
        lines += [".TP", _heading(argument), roff(argument.help) or "\\&"]
    return lines


def _heading(argument: Argument) -> str:
    value = f"\\fI{roff(argument.value)}\\fR" if argument.value else ""
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in argument.names)
    return f"{names} {value}".strip()
