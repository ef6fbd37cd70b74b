"""The picture of arrows in docs/architecture.md is the code's."""

import re
from pathlib import Path

from test_layering import own_imports

ROOT = Path(__file__).resolve().parents[2]
BOTTOM = {"config", "types", "errors", "utils", "atomic_file", "include", "common", "_native"}
ENDS = {"cli", "examples"}  # not in the picture: they import what they like


def drawn() -> dict[str, dict[str, set[str]]]:
    """part -> package -> what it imports, as the picture has it."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = text.split("## The arrows")[1].split("```")[1]
    parts = re.split(r"^─+ (\w+) ─+$", picture, flags=re.MULTILINE)
    found = {}
    for part, lines in zip(parts[1::2], parts[2::2], strict=True):
        arrows = {a: set(b.split()) for a, b in re.findall(r"^(\w+) +─► (.+)$", lines, re.MULTILINE)}
        alone = [line for line in lines.splitlines() if line and "─►" not in line and "bottom" not in line]
        found[part] = arrows | {name: set() for line in alone for name in line.split(", ")}
    return found


def imported(part: str) -> dict[str, set[str]]:
    """package -> what it imports of the same part, from the Python sources."""
    found: dict[str, set[str]] = {}
    for module, targets in own_imports().items():
        names = module.split(".")
        if names[0] != part or len(names) < 2 or names[1] in BOTTOM | ENDS:
            continue
        inside = {t.split(".")[1] for t in targets if t.startswith(f"{part}.")}
        found.setdefault(names[1], set()).update(inside - BOTTOM - {names[1]})
    return found


def included() -> dict[str, set[str]]:
    """folder -> whose headers it includes, from the C sources."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "native").rglob("*.[ch]"):
        folder = path.relative_to(ROOT / "native").parts[0]
        if folder in BOTTOM | ENDS:
            continue
        names = set(re.findall(r'^#include "(\w+)/', path.read_text(encoding="utf-8"), re.MULTILINE))
        found.setdefault(folder, set()).update(names - BOTTOM - {folder})
    return found


def test_the_picture_of_arrows_is_the_codes() -> None:
    picture = drawn()
    assert picture["muzero_rc"] == imported("muzero_rc")
    assert picture["encoder_bridge"] == imported("encoder_bridge")
    assert picture["native"] == included()


def test_every_arrow_points_down() -> None:
    for part, arrows in drawn().items():
        order = list(arrows)
        for package, targets in arrows.items():
            up = [target for target in targets if order.index(target) <= order.index(package)]
            assert up == [], f"{part}: {package}"
