"""Corpus clips: which files of a folder are videos, and under which names they are known."""

from pathlib import Path

from encoder_bridge.errors import UserError

VIDEO_SUFFIXES = (".avi", ".ivf", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm", ".y4m")


class CorpusError(UserError):
    """A corpus that cannot be used; the message says why."""


def find_clips(*places: Path) -> list[Path]:
    """Finds the clips of a corpus: videos as given, and the videos inside folders by name.

    A clip is known by its file's stem.

    Raises:
      CorpusError: a place that is missing, a folder without videos, or two clips of one name.
    """
    clips: list[Path] = []
    for place in places:
        if not place.is_dir():
            if not place.exists():
                raise CorpusError(f"{place}: no such folder or video")
            clips.append(place)
            continue
        inside = sorted(p for p in place.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not inside:
            raise CorpusError(f"{place}: no videos in it ({', '.join(VIDEO_SUFFIXES)})")
        clips += inside
    named: dict[str, Path] = {}
    for clip in clips:
        if named.setdefault(clip.stem, clip) is not clip:
            raise CorpusError(f"{named[clip.stem]} and {clip} have the same name: rename one")
    return clips
