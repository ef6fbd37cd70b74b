"""rc-plugin: policies inside programs that use libvpx, such as ffmpeg and vpxenc."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from muzero_rc.cli.common import DONE, Parser, Usage, add_version, run
from muzero_rc.deploy.policy_names import LIBVPX, default_name, resolve

PROGRAM = "rc-plugin"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    # All behind -- belongs to the other program, whatever it looks like.
    own, others = words, None
    if words[:1] == ["exec"] and "--" in words:
        at = words.index("--")
        own, others = words[:at], words[at + 1 :]
    if own[:1] == ["exec"] and others is None and (program := _program_of(own[1:])):
        return run(PROGRAM, lambda: _needs_dashes(program))
    args = parser().parse(own)
    return run(PROGRAM, lambda: _exec(args, others) if args.verb == "exec" else args.body(args))


def _program_of(words: Sequence[str]) -> str | None:
    """The program behind exec's own options, where -- is missing."""
    left = iter(words)
    for word in left:
        if word == "--policy":
            next(left, None)
        elif not word.startswith("-"):
            return word
    return None


def _needs_dashes(program: str) -> NoReturn:
    raise Usage(f"exec needs -- before the program: {PROGRAM} exec -- {program} …")


def parser() -> Parser:
    """The options; man page and shell completion are made from it."""
    parser = Parser(
        prog=PROGRAM,
        description="Put a rate-control policy into a program that uses libvpx, unchanged.",
        epilog="Exit status: 0 done, 2 wrong use or bad input, 1 our own failure; of exec, the program's.",
    )
    add_version(parser)
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="verb")
    execute = verbs.add_parser(
        "exec",
        help="run ffmpeg, vpxenc, … with a policy",
        usage=f"{PROGRAM} exec [--policy NAME|FILE] [--strict] -- PROGRAM …",
        epilog="The policy decides in VP9 encodes of two passes at a bitrate (VBR), 8-bit 4:2:0; a line on "
        "stderr says for every encoder whether it does. Everything else runs as ever. The libvpx is the one "
        "that the program has loaded, whatever MUZERO_RC_LIBVPX says.",
    )
    execute.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help=f"(default: MUZERO_RC_POLICY, or {default_name()})",
    )
    execute.add_argument(
        "--strict",
        action="store_true",
        help="refuse encodes whose policy cannot run, instead of leaving them to libvpx (MUZERO_RC_STRICT=1)",
    )
    path = verbs.add_parser("path", help="where the libraries are: what LD_PRELOAD takes, or another part")
    path.add_argument(
        "part", nargs="?", choices=("preload", "library", "include", "pkgconfig"), default="preload"
    )
    path.set_defaults(body=_path)
    info = verbs.add_parser("info", help="what a policy is, where it comes from, how fast it decides here")
    info.add_argument("policy", metavar="POLICY", help="a name or a file")
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.set_defaults(body=_info)
    return parser


def _exec(args: argparse.Namespace, command: list[str] | None) -> int:
    if not command:
        raise Usage("exec needs a program behind --: rc-plugin exec -- ffmpeg …")
    from muzero_rc.deploy.preload import (
        POLICY,
        PluginError,
        find_places,
        find_program,
        is_strict,
        preload_environment,
        why_unreachable,
    )

    policy = resolve(args.policy or os.environ.get(POLICY) or default_name())
    program = find_program(command[0])
    strict = args.strict or is_strict(os.environ)
    environment = preload_environment(find_places(), policy.native or LIBVPX, dict(os.environ), strict=strict)
    reason = why_unreachable(program)
    if reason is not None and strict:
        raise PluginError(f"{program} {reason}; not run (MUZERO_RC_STRICT)")
    if reason is not None:
        print(f"{PROGRAM}: {program} {reason}; libvpx's own rate control runs", file=sys.stderr, flush=True)
        environment = dict(os.environ)
    os.execve(program, command, environment)


def _path(args: argparse.Namespace) -> int:
    from muzero_rc.deploy.preload import find_places

    print(getattr(find_places(), args.part))
    return DONE


def _info(args: argparse.Namespace) -> int:
    from muzero_rc.deploy.policy_file import describe
    from muzero_rc.deploy.preload import find_places, measure_speed
    from muzero_rc.encoding.passes import open_policy

    ref = resolve(args.policy)
    policy = open_policy(ref)
    if policy is None or ref.native is None:
        raise Usage(f"{LIBVPX} is libvpx's own rate control: there is nothing to tell")
    speed = measure_speed(find_places().library, ref.native)
    facts: dict[str, Any] = {**policy.info, "name": ref.name, "path": ref.path and str(ref.path)}
    if ref.path is not None:
        facts |= describe(ref.path)
    facts["decision_median_us"] = round(speed.median_us, 2)
    facts["decision_p99_us"] = round(speed.p99_us, 2)
    facts["open_us_per_frame"] = round(speed.open_us, 2)
    print(json.dumps(facts, ensure_ascii=False) if args.json else _sheet(facts))
    return DONE


def _sheet(facts: dict[str, Any]) -> str:
    """The figures of --json, for people."""
    rows = [("policy", facts["name"]), ("file", facts["path"]), ("kind", facts["kind"])]
    rows += [("feature table", facts["feature_version"]), ("sha256", facts.get("sha256"))]
    if "parameters" in facts:
        rows.append(("size", f"{facts['parameters']} parameters, {facts['bytes']} bytes"))
    if "moves" in facts:
        rows.append(("moved by", ", ".join(f"{name} {move:+g}" for name, move in _moves(facts))))
    if "network" in facts:
        rows += [("network", _pairs(facts["network"])), ("actions", _pairs({"": facts["actions"]}))]
        rows.append(("decision", f"{facts['action_mode']}, {facts['decision']}"))
    if "parameters" in facts:
        rows += [(f"provenance: {key}", value) for key, value in dict(facts["provenance"] or {}).items()]
    rows.append(
        (
            "speed here",
            f"decision {facts['decision_median_us']:.1f} us median, {facts['decision_p99_us']:.1f} us p99; "
            f"opening a clip {facts['open_us_per_frame']:.1f} us a frame",
        )
    )
    return "\n".join(f"{name:<15} {value}" for name, value in rows if value is not None)


def _moves(facts: dict[str, Any]) -> list[tuple[str, float]]:
    """Those of the controller's constants, by name."""
    from muzero_rc.deploy.policy_file import MOVE

    return [(name.removeprefix(MOVE), move) for name, move in facts["moves"].items()]


def _pairs(values: dict[str, Any]) -> str:
    parts = []
    for key, value in values.items():
        text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        parts.append(f"{key} {text}".strip())
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
