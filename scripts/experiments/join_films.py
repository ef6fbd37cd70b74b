#!/usr/bin/env python3
"""Films from clips: each of N films has every N-th clip of a folder, one after the other.

    scripts/experiments/join_films.py $MUZERO_RC_CORPUS/validation -o films --films 2

Films are lossless, of one size and 25 frames a second: FOLDER-1.mkv, FOLDER-2.mkv … of the clips 1, 3, 5 …
and 2, 4, 6 … in the order of their names. `--start` and `--step` take some of the clips only, `--limit` the
first of these.
"""

import argparse
from pathlib import Path

from film_parts import join

from muzero_rc.corpus.clips import find_clips


def main() -> None:
    """Writes the films and prints their clips."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--films", type=int, default=2, metavar="N")
    parser.add_argument("--size", default="352:198")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="the first clip, from 0")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="take every N-th clip")
    parser.add_argument("--limit", type=int, metavar="N", help="clips in all")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    clips = find_clips(args.clips)[args.start :: args.step][: args.limit]
    for number in range(args.films):
        film = args.output / f"{args.clips.resolve().name}-{number + 1}.mkv"
        join(clips[number :: args.films], args.size, film)
        print(film, *(clip.stem for clip in clips[number :: args.films]))


if __name__ == "__main__":
    main()
