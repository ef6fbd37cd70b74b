"""Completion of a command in zsh."""

import argparse
import re

from parser_facts import Argument, arguments, verb_help, verbs


def zsh_completion(parser: argparse.ArgumentParser) -> str:
    """The function that zsh loads when the command is first completed."""
    head = f"#compdef {parser.prog}\n# Made from the parser of {parser.prog}.\n"
    below = verbs(parser)
    if not below:
        return head + _call(parser, "")
    listed = " ".join(
        f"{verb}\\:{_quoted(text.replace(':', ''))}" for verb, text in verb_help(parser).items()
    )
    function = "_" + re.sub(r"\W", "_", parser.prog)
    cases = "".join(f"    {verb})\n{_call(sub, '      ')}      ;;\n" for verb, sub in below.items())
    own = [*_specs(parser), f"'1:verb:(({listed}))'", "'*::argument:->arguments'"]
    return (
        f"{head}{function}() {{\n  local curcontext=$curcontext state line\n"
        f"  _arguments -C \\\n    {_joined(own, '    ')}\n"
        f"  [[ $state == arguments ]] && case $words[1] in\n{cases}  esac\n}}\n"
        f'{function} "$@"\n'
    )


def _call(parser: argparse.ArgumentParser, indent: str) -> str:
    return f"{indent}_arguments \\\n{indent}  {_joined(_specs(parser), indent + '  ')}\n"


def _joined(specs: list[str], indent: str) -> str:
    return f" \\\n{indent}".join(specs)


def _specs(parser: argparse.ArgumentParser) -> list[str]:
    return [_option(one) if one.names else _positional(one) for one in arguments(parser)]


def _option(argument: Argument) -> str:
    repeat = "*" if argument.repeats else ""
    text = _escaped(argument.help)
    value = f":{_escaped(argument.value)}:{_action(argument)}" if argument.value else ""
    if len(argument.names) == 1:
        equals = "=" if argument.value else ""
        return f"'{repeat}{argument.names[0]}{equals}[{text}]{value}'"
    names = " ".join(argument.names)
    braces = ",".join(name + ("=" if argument.value and name[:2] == "--" else "") for name in argument.names)
    exclude = "'*'" if repeat else f"'({names})'"
    return f"{exclude}{{{braces}}}'[{text}]{value}'"


def _positional(argument: Argument) -> str:
    return f"'{'*' if argument.repeats else ''}:{_escaped(argument.value)}:{_action(argument)}'"


def _action(argument: Argument) -> str:
    words = f"({' '.join(argument.words)})"
    if argument.files:
        return (
            f' _alternative "files\\:file\\:_files" "words\\:word\\:{words}"' if argument.words else "_files"
        )
    return words if argument.words else " "


def _escaped(text: str) -> str:
    """Text inside an _arguments specification in single quotes."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def _quoted(text: str) -> str:
    return '"' + text.replace("'", "'\\''").replace('"', "") + '"'
