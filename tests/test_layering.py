"""Nothing points back: who may import whom, walked from the source text."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("jax", "jaxlib", "haiku", "optax", "mctx", "reverb", "tensorflow", "chex")

# Lower numbers know nothing of higher ones. Modules that are not listed only have to be free of cycles.
LEVELS = {
    "muzero_rc.types": 0,
    "muzero_rc.config.schema": 0,
    "muzero_rc.agent.networks": 1,
    "muzero_rc.agent.batch": 1,
    "muzero_rc.reward.rules": 1,
    "muzero_rc.acting.actor": 2,
    "muzero_rc.agent.learner": 2,
    "muzero_rc.experience.replay": 2,
    "muzero_rc.agent.search": 2,
    "muzero_rc.agent.losses": 2,
    "muzero_rc.training.train": 3,
    "muzero_rc.evaluation.runner": 3,
    "muzero_rc.deploy.policy_file": 3,
    "muzero_rc.report.page": 3,
    "encoder_bridge.encode.layouts": 0,
    "encoder_bridge.encode.config": 0,
    "encoder_bridge.errors": 0,
    "encoder_bridge.encode.run": 1,
    "encoder_bridge.env.observation": 1,
    "encoder_bridge.media.decode": 1,
    "encoder_bridge.env.single": 2,
}
CLI_LEVEL = 4


def modules() -> dict[str, Path]:
    """Every module of both packages, by dotted name; a package is its __init__."""
    found = {}
    for package in ("encoder_bridge", "muzero_rc"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Absolute dotted names that the code imports, lazy imports included, typing-only ones left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for branch in node.orelse:
                yield from imported_names(ast.Module([branch], []))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import: {ast.unparse(node)}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported_names(node)


def imports_of(path: Path) -> set[str]:
    return set(imported_names(ast.parse(path.read_text(encoding="utf-8"))))


def own_imports() -> dict[str, set[str]]:
    """For every module of ours, which modules of ours it imports (not counting its packages)."""
    known = modules()
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        edges[name] = set()
        for target in imports_of(path):
            # "a.b.c" is module a.b.c, or the name c of module a.b.
            hit = target if target in known else target.rpartition(".")[0]
            if hit in known and hit != name:
                edges[name].add(hit)
    return edges


def level(module: str) -> int | None:
    return CLI_LEVEL if module.startswith("muzero_rc.cli") else LEVELS.get(module)


def test_no_module_imports_one_above_it() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, targets in own_imports().items()
        for target in targets
        if name.split(".")[0] == target.split(".")[0]
        and (own := level(name)) is not None
        and (its := level(target)) is not None
        and its > own
    ]
    assert not wrong


def test_no_cycles() -> None:
    edges = own_imports()
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(edges[name]):
            visit(target, (*trail, name))
        done.add(name)

    for name in edges:
        visit(name, ())


def test_the_bridge_knows_nothing_of_learning() -> None:
    forbidden = {"muzero_rc", *HEAVY}
    wrong = [
        f"{name} imports {target}"
        for name, path in modules().items()
        if name.startswith("encoder_bridge")
        for target in imports_of(path)
        if target.split(".")[0] in forbidden
    ]
    assert not wrong


def test_nets_and_rewards_know_nothing_of_encoders() -> None:
    wrong = [
        name
        for name, targets in own_imports().items()
        if LEVELS.get(name, 9) <= 1
        and name.startswith("muzero_rc")
        and any(t.startswith("encoder_bridge") for t in targets)
    ]
    assert not wrong


@pytest.mark.parametrize("start", ["muzero_rc.cli.encode", "muzero_rc.cli.report", "muzero_rc.cli.demo"])
def test_encode_and_report_need_no_learning_stack(start: str) -> None:
    edges, known = own_imports(), modules()
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges[name]
    wrong = [
        f"{name} imports {target}"
        for name in sorted(seen)
        for target in imports_of(known[name])
        if target.split(".")[0] in HEAVY
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["muzero_rc.cli.encode", "muzero_rc.cli.report"])
def test_help_loads_neither_numpy_nor_the_encoder(module: str) -> None:
    """What keeps `rc-encode --help` quick, without a stopwatch."""
    code = (
        "import sys, importlib\n"
        f"m = importlib.import_module({module!r})\n"
        "try:\n    m.main(['--help'])\nexcept SystemExit as e:\n    assert not e.code\n"
        f"bad = {{'numpy', 'ffmpeg', 'matplotlib', 'gymnasium', 'encoder_bridge._native', *{HEAVY!r}}}\n"
        "sys.exit(', '.join(sorted(bad & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
