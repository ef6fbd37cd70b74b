"""Documentation holds together: links lead somewhere, and every experiment is filed as the others are."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "docs" / "experiments"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILED = sorted(EXPERIMENTS.glob("[0-9]*.md"))
HEADINGS = ["Question", "Setup", "Command", "Result", "Conclusion"]

FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    seen: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE):
        plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        names.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return names


def dead(page: Path) -> list[str]:
    """The relative links and images of a page that lead nowhere."""
    found = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        missing = not target.exists() or not target.is_relative_to(ROOT)
        if missing or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    return found


def test_the_check_sees_dead_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A `b` · c\n[1](#a-b--c) [2](#d) ![3](no.svg) [4](page.md#a) [5](https://x.y)\n")
    assert dead(page) == ["#d", "no.svg", "page.md#a"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert dead(page) == []


@pytest.mark.parametrize("page", FILED, ids=lambda page: page.stem)
def test_an_experiment_has_the_five_headings(page: Path) -> None:
    text = prose(page)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert text.startswith(f"# {page.stem[:4]} · ")


def test_experiments_are_in_the_index_once_and_have_ids_of_their_own() -> None:
    index = (EXPERIMENTS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\)", index, re.MULTILINE)
    assert [name for _, name in listed] == [page.name for page in FILED]
    assert all(name.startswith(f"{number}-") for number, name in listed)
    assert [number for number, _ in listed] == sorted({number for number, _ in listed})


def test_results_belong_to_an_experiment() -> None:
    folders = [path for path in (ROOT / "docs" / "results").iterdir() if path.is_dir()]
    text = {page.name[:4]: page.read_text(encoding="utf-8") for page in FILED}
    strays = [
        str(file.relative_to(ROOT))
        for folder in folders
        for file in folder.iterdir()
        if f"(../results/{folder.name}/{file.name})" not in text.get(folder.name, "")
    ]
    assert strays == []
