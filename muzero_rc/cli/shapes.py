"""rc-train shapes: trains a policy of GOP shapes on clips."""

import argparse
from pathlib import Path
from typing import Any

from muzero_rc.cli.common import DONE, Usage, tell


def add_shapes(verbs: Any) -> None:
    """Adds the verb to rc-train's."""
    verb = verbs.add_parser(
        "shapes",
        help="train a policy of GOP shapes, the kind that runs by default",
        description="Fits a policy of GOP shapes to scans: encodes of clips under many sequences of lengths.",
    )
    verb.add_argument("corpus", metavar="CLIPS", nargs="+", help="folders of clips, or clips")
    verb.add_argument("-o", "--output", metavar="X.safetensors", required=True, help="the policy file")
    verb.add_argument(
        "--scans",
        metavar="FILE",
        nargs="+",
        required=True,
        help="scans that are there already",
    )
    verb.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="N",
        help="first try the fit on clips left out, in N parts; clips of one original (name-01, name-02) stay "
        "together",
    )
    verb.set_defaults(body=train_shapes)


def train_shapes(args: argparse.Namespace) -> int:
    """Fits, writes the policy file, and prints its name."""
    from muzero_rc.corpus.cache_key import digest
    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.shapes.credits import credit_correlation, read_sequences
    from muzero_rc.shapes.fit import left_out, originals, write_shapes

    output = Path(args.output)
    if not output.parent.is_dir():
        raise Usage(f"{output}: the folder {output.parent} does not exist")
    if args.folds < 0 or args.folds == 1:
        raise Usage(f"--folds {args.folds}: use 2 or more")
    clips = {path.stem: path for path in find_clips(*map(Path, args.corpus))}
    data = read_sequences([Path(name) for name in args.scans], clips)
    found = sorted(set(data.clip.tolist()))
    tell(f"{len(data.gain)} encodes of {len(found)} clips, {len(data.share)} GOPs")
    tell(f"credits of GOPs add up to gains with a correlation of {credit_correlation(data):+.3f}")
    if args.folds:
        if len(originals(data)) < args.folds:
            raise Usage(f"--folds {args.folds}: the scans are of {len(originals(data))} originals")
        tell(left_out(data, args.folds))
    provenance = {
        "fitted to": f"{len(data.gain)} encodes of {len(found)} clips",
        "corpus_hash": digest(*found),
        "by": "rc-train shapes",
    }
    write_shapes(output, data, provenance)
    print(output)
    return DONE
