"""What the guides name exists: paths, names in files, commands, options and settings."""

import dataclasses
import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from muzero_rc.config.schema import Config

ROOT = Path(__file__).resolve().parents[2]
# The files of single experiments speak of commits long past; everything else is about today.
GUIDES = [
    *(ROOT / "README.md", ROOT / "CHANGELOG.md"),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "experiments").glob("[!0-9]*.md")),
]
TOP = ("muzero_rc", "encoder_bridge", "native", "scripts", "tests", "docs", "configs", ".ci")
SUFFIXES = (".py", ".pyi", ".c", ".h", ".toml", ".j2", ".sh")
PLACEHOLDER = re.compile(r"NAME|NNNN")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
MADE_BY_A_SCRIPT = re.compile(r"<!-- results:begin -->.*<!-- results:end -->", re.DOTALL)


def text_of(guide: Path) -> str:
    return MADE_BY_A_SCRIPT.sub("", guide.read_text(encoding="utf-8"))


def in_backticks(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def command_lines(text: str) -> list[str]:
    """Lines of code blocks, without their comments and prompts."""
    blocks = [block.split("\n")[1:-1] for block in FENCE.findall(text)]
    return [re.sub(r"\s+#.*$", "", line).removeprefix("$ ").strip() for block in blocks for line in block]


@functools.cache
def our_files() -> tuple[Path, ...]:
    """What git tracks; in a copy without git, what lies in our folders."""
    words = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / line for line in listed.splitlines()]
    return tuple(found or (path for top in TOP for path in (ROOT / top).rglob("*")))


@functools.cache
def file_names() -> frozenset[str]:
    return frozenset(path.name for path in our_files())


def is_there(path: str) -> bool:
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def missing_paths(text: str) -> list[str]:
    missing = []
    for word in in_backticks(text):
        if PLACEHOLDER.search(word) or not re.fullmatch(r"[\w./*-]+", word):
            continue
        if word.split("/")[0] in TOP and "/" in word:
            missing += [] if is_there(word) else [word]
        elif "/" not in word and word.endswith(SUFFIXES):
            missing += [] if word in file_names() else [word]
    return missing


def missing_names(text: str) -> list[str]:
    """`NAME` in `PATH`: the file has the name."""
    pairs = re.findall(r"`(\w+)`\s+in\s+`([\w./-]+\.\w+)`", text)
    return [
        f"{name} in {path}"
        for name, path in pairs
        if not PLACEHOLDER.search(path) and name not in (ROOT / path).read_text(encoding="utf-8")
    ]


def missing_settings(text: str) -> list[str]:
    """`section.key` in prose, and --set section.key= in commands."""
    sections = {field.name: getattr(Config(), field.name) for field in dataclasses.fields(Config)}
    said = [word.split(" ")[0] for word in in_backticks(text)]
    said += re.findall(r"--set\s+'?([\w.]+)=", text)
    return [
        key
        for key in said
        if key.count(".") == 1 and key.split(".")[0] in sections
        if not hasattr(sections[key.split(".")[0]], key.split(".")[1])
    ]


@functools.cache
def make_targets() -> frozenset[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^(\w+) :?= (.*)$", makefile, re.MULTILINE))
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE))
    return frozenset(re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], phony).split())


@functools.cache
def help_of(command: str, verb: str) -> str:
    module = command.removeprefix("rc-")
    code = f"import sys; from muzero_rc.cli.{module} import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, *([verb] if verb else []), "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{command} {verb} --help: {done.stderr}"
    return done.stdout


def wrong_commands(text: str) -> list[str]:
    """Commands in code blocks that name a target, a script, a test or an option that is not there."""
    wrong = []
    for line in command_lines(text):
        try:
            words = shlex.split(line.replace("…", ""))
        except ValueError:
            continue
        if not words:
            continue
        if "&&" in words:
            words = words[: words.index("&&")]
        program = words[0]
        if program == "make":
            wrong += [line] if any(word not in make_targets() for word in words[1:]) else []
        elif program.startswith("rc-"):
            verb = words[1] if program in ("rc-train", "rc-plugin") and not words[1].startswith("-") else ""
            options = [w for w in words[: words.index("--") if "--" in words else None] if w[:2] == "--"]
            known = re.findall(r"--[\w-]+", help_of(program, verb))
            wrong += [line] if any(option not in known for option in options) else []
        elif program.startswith("scripts/") or program.endswith("python"):
            paths = [word.split("::")[0] for word in words if word.startswith(tuple(f"{t}/" for t in TOP))]
            wrong += [line] if not all(is_there(path) or "NAME" in path for path in paths) else []
    return wrong


def test_the_checks_see_what_is_missing() -> None:
    text = "`muzero_rc/nowhere.py` `nowhere.h` `nowhere` in `Makefile.x` `learner.nothing` `docs/method.md`\n"
    assert missing_paths(text) == ["muzero_rc/nowhere.py", "nowhere.h"]
    assert missing_settings(text + "--set reward.nothing=1") == ["learner.nothing", "reward.nothing"]
    assert missing_names("`nowhere`\nin `pyproject.toml`, `name` in `pyproject.toml`") == [
        "nowhere in pyproject.toml"
    ]
    block = "```\n$ make nothing  # a comment\nmake test\nrc-encode --nothing\nscripts/nothing.py\n```"
    assert wrong_commands(block) == ["make nothing", "rc-encode --nothing", "scripts/nothing.py"]


def test_paths_in_comments_and_docstrings_exist() -> None:
    sources = [path for path in our_files() if path.suffix in SUFFIXES and path.is_file()]
    pattern = re.compile(rf"(?<![\w/.-])(?:{'|'.join(TOP[:-1])})/[\w./-]+(?:{'|'.join(SUFFIXES)}|\.md)\b")
    missing = {
        f"{source.relative_to(ROOT)}: {path}"
        for source in sources
        if source != Path(__file__)
        for path in pattern.findall(source.read_text(encoding="utf-8"))
        if not any((base / path).exists() for base in (ROOT, ROOT / "native", ROOT / "native" / "include"))
    }
    assert missing == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_what_a_guide_names_exists(guide: Path) -> None:
    text = text_of(guide)
    assert missing_paths(text) == []
    assert missing_names(text) == []
    assert missing_settings(text) == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_a_guides_commands_are_commands(guide: Path) -> None:
    assert wrong_commands(text_of(guide)) == []


def test_what_the_plugin_is_said_to_print_is_in_its_source() -> None:
    said = re.findall(r"^muzero-rc: (.+)$", (ROOT / "docs" / "ffmpeg.md").read_text("utf-8"), re.MULTILINE)
    sources = ("intercept.c", "second_pass.c")
    source = "".join((ROOT / "native" / "plugin" / name).read_text("utf-8") for name in sources)
    assert said[0] in source
    for words in ("decides: ", " frames decided, ", " guarded, ", " fallbacks"):
        assert words in "\n".join(said) and words in source
