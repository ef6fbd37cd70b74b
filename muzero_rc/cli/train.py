"""rc-train: trains a policy file on a folder of clips."""

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from muzero_rc.cli.common import DONE, Parser, Usage, add_farm, add_libvpx, add_version, open_libvpx, run
from muzero_rc.cli.dataset import add_dataset, write
from muzero_rc.cli.offsets import add_offsets
from muzero_rc.cli.shapes import add_shapes
from muzero_rc.utils.extras import require_extra

if TYPE_CHECKING:
    from muzero_rc.config.schema import Config
    from muzero_rc.distributed.transport import LearnerServer

PROGRAM = "rc-train"
DEFAULT_PORT = 8765
OWN_NAME = "self"  # the name that a run's own episodes carry


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parser().parse(argv)
    logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s", stream=sys.stderr)
    return run(PROGRAM, lambda: _dispatch(args), interrupted="interrupted; --resume goes on from here")


def parser() -> Parser:
    """The options; man page and shell completion are made from it."""
    parser = Parser(
        prog=PROGRAM,
        description="Train a rate-control policy on a folder of clips.",
        epilog="Progress goes to stderr, results to stdout. Exit status: 0 done, 2 wrong use or bad input, "
        "1 our own failure.",
    )
    add_version(parser)
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    whole = verbs.add_parser("run", help="train on this machine until the budget ends")
    whole.add_argument("corpus", metavar="CORPUS", help="a folder of clips")
    whole.add_argument("--init-from", metavar="POLICY", help="begin with this policy file's weights")
    _add_run_options(whole)
    whole.set_defaults(body=_run)

    learner = verbs.add_parser("learner", help="the same, learning from actors elsewhere")
    learner.add_argument("corpus", metavar="CORPUS", help="a folder of clips")
    learner.add_argument("--init-from", metavar="POLICY", help="begin with this policy file's weights")
    learner.add_argument("--port", type=int, default=DEFAULT_PORT, help="for actors (default: %(default)s)")
    learner.add_argument(
        "--everywhere",
        action="store_true",
        help="listen on all interfaces, not on loopback alone; no passwords!",
    )
    _add_run_options(learner)
    learner.set_defaults(body=_learner)

    actor = verbs.add_parser("actor", help="play episodes for a learner elsewhere")
    actor.add_argument("corpus", metavar="CORPUS", help="the same clips as the learner's")
    where = actor.add_mutually_exclusive_group(required=True)
    where.add_argument("--replay", metavar="HOST:PORT", help="where the learner listens")
    where.add_argument(
        "--policy",
        metavar="FILE",
        help="no network: play this policy file, or controller, and write episode files",
    )
    actor.add_argument("--folder", metavar="DIR", required=True, help="this actor's own episode log")
    actor.add_argument("--name", help="no two actors may share it (default: the folder's name)")
    actor.add_argument("--episodes", type=int, metavar="N", help="stop at so many in the folder")
    actor.add_argument("--config", metavar="FILE.toml", help="with --policy: the run's config")
    add_libvpx(actor)
    actor.set_defaults(body=_actor)

    export = verbs.add_parser("export", help="write a run's policy file")
    export.add_argument("run_dir", metavar="RUN_DIR")
    export.add_argument("-o", "--output", metavar="X.safetensors", required=True)
    export.add_argument(
        "--which", choices=("latest", "best"), default="best", help="best on validation (default) or newest"
    )
    export.set_defaults(body=_export)

    add_shapes(verbs)
    add_offsets(verbs)
    add_dataset(verbs)

    smoke = verbs.add_parser(
        "smoke", help="five minutes of everything on clips made here; the policy is dropped"
    )
    smoke.add_argument("--minutes", type=float, default=5.0, help="(default: %(default)s)")
    smoke.add_argument("--keep", metavar="DIR", help="keep the run folder here")
    add_libvpx(smoke)
    smoke.set_defaults(body=_smoke)
    return parser


def _add_run_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--config", metavar="FILE.toml", default="configs/base.toml", help="(default: %(default)s)"
    )
    verb.add_argument("--run-dir", metavar="DIR", required=True, help="everything that the run writes")
    verb.add_argument("--resume", action="store_true", help="go on with the run that is in DIR, if any")
    verb.add_argument(
        "--set", metavar="A.B=C", action="append", default=[], help="change a setting; may be given again"
    )
    add_farm(verb)
    add_libvpx(verb)


def _dispatch(args: argparse.Namespace) -> int:
    if args.body is write:
        require_extra("dataset")
    elif args.body is not _export:  # which only copies a file
        require_extra("train")
    if args.body is _learner or getattr(args, "replay", None):
        require_extra("reverb")
    if "libvpx" in args and not getattr(args, "scans", None):  # which encodes nothing
        open_libvpx(args)
    return int(args.body(args))


def _run(args: argparse.Namespace) -> int:
    from muzero_rc.config.toml_io import load_config

    return _train(args, load_config(_existing(args.config), args.set), None)


def _learner(args: argparse.Namespace) -> int:
    from muzero_rc.config.toml_io import load_config
    from muzero_rc.distributed.transport import LearnerServer

    config = load_config(_existing(args.config), args.set)
    service = LearnerServer(config, port=args.port, everywhere=args.everywhere)
    _report(f"listening on port {args.port}, {'all interfaces' if args.everywhere else 'loopback only'}")
    return _train(args, config, service)


def _train(args: argparse.Namespace, config: "Config", service: "LearnerServer | None") -> int:
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.training.train import train

    first = iter([f"learner: {_device()}"])  # told with the first progress: a run that can't begin has none

    def report(line: str) -> None:
        for words in (*first, line):
            _report(words)

    with closing(open_farm(args.farm, config.actor.encoders)) as farm:
        train(
            config,
            Path(args.corpus),
            Path(args.run_dir),
            engine=libvpx_engine(),
            cache=cache_folder() / "training",
            resume=args.resume,
            init_from=None if args.init_from is None else _existing(args.init_from),
            service=service,
            farm=farm,
            report=report,
        )
    print(Path(args.run_dir) / "policies" / "latest.safetensors")
    return DONE


def _device() -> str:
    """Where JAX computes: a GPU, if there is one and jax[cuda12] is installed."""
    import jax

    device = jax.devices()[0]
    return f"JAX {jax.__version__} on {device.platform} ({device.device_kind})"


def _actor(args: argparse.Namespace) -> int:
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.config.toml_io import load_config
    from muzero_rc.encoding.engine import libvpx_engine

    folder = Path(args.folder)
    name, cache = args.name or folder.name, cache_folder() / "training"
    if not name or name == OWN_NAME or "/" in name:
        raise Usage(f"--name {name!r}: use a name that is not {OWN_NAME!r} and has no slash")
    if args.replay:
        from muzero_rc.distributed.remote_actor import act

        act(
            Path(args.corpus),
            args.replay,
            name,
            folder,
            engine=libvpx_engine(),
            cache=cache,
            episodes=args.episodes,
            report=_report,
        )
        return DONE
    from muzero_rc.distributed.offline_actor import play_to_log

    if args.episodes is None or args.config is None:
        raise Usage("--policy needs --config, the run's, and --episodes")
    play_to_log(
        load_config(_existing(args.config)),
        Path(args.corpus),
        args.policy,
        name,
        folder,
        engine=libvpx_engine(),
        cache=cache,
        episodes=args.episodes,
        report=_report,
    )
    print(folder)
    return DONE


def _smoke(args: argparse.Namespace) -> int:
    from muzero_rc.training.smoke import smoke

    print(smoke(args.minutes, None if args.keep is None else Path(args.keep), report=_report))
    return DONE


def _export(args: argparse.Namespace) -> int:
    from encoder_bridge.atomic_file import whole_file
    from muzero_rc.training.run_dir import read_note

    run_dir, output = Path(args.run_dir), Path(args.output)
    read_note(run_dir)
    found = [run_dir / "policies" / f"{name}.safetensors" for name in (args.which, "latest")]
    source = next((path for path in found if path.exists()), None)
    if source is None:
        raise Usage(f"run folder {run_dir} has no policy yet: it is exported at the first validation")
    if not output.parent.is_dir():
        raise Usage(f"{output}: the folder {output.parent} does not exist")
    with whole_file(output) as temporary:
        temporary.write_bytes(source.read_bytes())
    print(output)
    return DONE


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise Usage(f"{path}: no such file")
    return path


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
