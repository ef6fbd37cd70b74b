"""Completion of a command in bash."""

import argparse
import re
import shlex
from collections.abc import Sequence

from parser_facts import Argument, arguments, verbs

_SCRIPT = """\
# Completion of {prog} in bash; made from its parser.
{function}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} verb= i
  COMPREPLY=()
  # --option=value is three words here.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
    --) # what follows is another program's
      if declare -F _command_offset >/dev/null; then _command_offset $((i + 1))
      elif ((COMP_CWORD == i + 1)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur")
      else compopt -o default; fi
      return ;;
{find_verb}    esac
  done
  case $verb in
{verbs}  esac
}}
complete -F {function} {prog}
"""
_VERB = """\
  {verb})
    case $prev in
{values}    esac
    case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W {options} -- "$cur") ;;
    *) {others} ;;
    esac ;;
"""


def bash_completion(parser: argparse.ArgumentParser) -> str:
    """The script that bash-completion loads when the command is first completed."""
    below = verbs(parser)
    find_verb = f"    {'|'.join(below)}) [[ $verb ]] || verb=${{COMP_WORDS[i]}} ;;\n" if below else ""
    cases = [_case('""', parser, [*below])]
    cases += [_case(verb, sub, []) for verb, sub in below.items()]
    function = "_" + re.sub(r"\W", "_", parser.prog)
    return _SCRIPT.format(prog=parser.prog, function=function, find_verb=find_verb, verbs="".join(cases))


def _case(verb: str, parser: argparse.ArgumentParser, first: Sequence[str]) -> str:
    found = list(arguments(parser))
    options = " ".join(name for argument in found for name in argument.names)
    values = [
        f"    {'|'.join(argument.names)}) {_complete(argument)}; return ;;\n"
        for argument in found
        if argument.names and argument.value
    ]
    others = [argument for argument in found if not argument.names]
    words = [*first, *(word for argument in others for word in argument.words)]
    files = any(argument.files for argument in others)
    return _VERB.format(
        verb=verb, values="".join(values), options=shlex.quote(options), others=_offer(words, files)
    )


def _complete(argument: Argument) -> str:
    return _offer(argument.words, argument.files)


def _offer(words: Sequence[str], files: bool) -> str:
    listed = f'mapfile -t COMPREPLY < <(compgen -W {shlex.quote(" ".join(words))} -- "$cur")'
    if files:
        return f"{listed}; compopt -o default" if words else "compopt -o default"
    return listed if words else ":"
