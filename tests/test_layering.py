"""Nothing points back: who may import whom, walked from the source text."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("jax", "jaxlib", "haiku", "optax", "mctx", "reverb", "tensorflow", "chex")

# Who may import whom: a package (or a module of one) and what its modules may import besides their
# own package. Everything else points back, and fails. Left out: what only type checkers read.
FILES = ("encoder_bridge.errors", "encoder_bridge.atomic_file", "encoder_bridge.media")
BRIDGE = (
    *FILES,
    "encoder_bridge",
    "encoder_bridge.libvpx",
    *(f"encoder_bridge.{part}" for part in ("encode", "env", "testing")),
)
LEAVES = ("encoder_bridge.errors", *(f"muzero_rc.{part}" for part in ("types", "errors", "config", "utils")))
TABLE: dict[str, tuple[str, ...]] = {
    "encoder_bridge": (),
    "encoder_bridge.errors": (),
    "encoder_bridge.atomic_file": ("encoder_bridge.errors",),
    "encoder_bridge.libvpx": ("encoder_bridge.errors", "encoder_bridge"),
    "encoder_bridge.media": FILES,
    "encoder_bridge.encode": (*FILES, "encoder_bridge"),
    "encoder_bridge.env": (*FILES, "encoder_bridge", "encoder_bridge.encode"),
    "encoder_bridge.testing": (*FILES, "encoder_bridge", "encoder_bridge.encode"),
    "muzero_rc": (),
    "muzero_rc.types": (),
    "muzero_rc.errors": ("encoder_bridge.errors",),
    # Training's [encode] section is made from the declaration of the encoder's settings, and the
    # reward rules say what they are called.
    "muzero_rc.config": (
        *("muzero_rc.errors", "encoder_bridge.errors"),
        *("encoder_bridge.encode.config", "encoder_bridge.encode.objective"),
        "muzero_rc.reward",
    ),
    # utils writes files of ours, and one way to write them is enough.
    "muzero_rc.utils": ("muzero_rc.errors", "encoder_bridge.errors", "encoder_bridge.atomic_file"),
    "muzero_rc.reward": ("muzero_rc.types",),
    "muzero_rc.agent": (*LEAVES, "muzero_rc.reward"),
    "muzero_rc.corpus": (*LEAVES, *FILES, "encoder_bridge.encode.raw_clip"),  # the form of its frames
    "muzero_rc.deploy": (*LEAVES, *BRIDGE, "muzero_rc.agent"),
    "muzero_rc.deploy.policy_names": LEAVES,
    "muzero_rc.encoding": (*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.deploy.policy_names"),
    "muzero_rc.experience": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.reward"),
        "muzero_rc.agent.batch",
    ),
    "muzero_rc.acting": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.reward"),
        *("muzero_rc.agent", "muzero_rc.experience", "muzero_rc.deploy.policy_names"),
    ),
    "muzero_rc.demonstrations": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.reward"),
        *("muzero_rc.experience", "muzero_rc.acting", "muzero_rc.deploy.policy_names"),
    ),
    "muzero_rc.distributed": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.reward"),
        *("muzero_rc.agent", "muzero_rc.experience", "muzero_rc.acting"),
    ),
    "muzero_rc.shapes": (*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.deploy"),
    "muzero_rc.offsets": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.deploy"),
        "muzero_rc.shapes",
    ),
    "muzero_rc.evaluation": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding"),
        "muzero_rc.deploy.policy_names",
    ),
    "muzero_rc.report": (*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.evaluation"),
    "muzero_rc.training": (
        *(*LEAVES, *BRIDGE, "muzero_rc.corpus", "muzero_rc.encoding", "muzero_rc.reward"),
        *("muzero_rc.agent", "muzero_rc.experience", "muzero_rc.acting", "muzero_rc.demonstrations"),
        *("muzero_rc.distributed", "muzero_rc.evaluation", "muzero_rc.deploy"),
    ),
    "muzero_rc.cli": (*BRIDGE, "muzero_rc"),
}
# The same for native/: a folder and whose headers its files include.
OWN_INCLUDE = r'^#include ["<](muzero_rc/[^">]+|(?<=")[^"]+)[">]'
NATIVE: dict[str, tuple[str, ...]] = {
    "include": (),
    "common": (),
    "lookahead": (),
    "rate_control": ("include", "lookahead"),
    "policy_file": ("common",),
    "features": ("lookahead", "rate_control"),
    "network": ("common", "policy_file"),
    "policy": ("common", "rate_control", "policy_file", "features", "network"),
    "vpx": ("include", "common", "lookahead", "rate_control", "policy"),
    "bridge": ("include", "common", "rate_control", "features", "policy", "vpx"),
    "python": ("include", "common", "lookahead", "rate_control", "features", "policy", "vpx", "bridge"),
    "plugin": ("include", "vpx", "policy"),
    "examples": ("include",),
}


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


def room(module: str) -> str:
    """The line of TABLE that a module belongs to: the longest that fits."""
    return max((r for r in TABLE if module == r or module.startswith(f"{r}.")), key=len)


def may_import(module: str, target: str) -> bool:
    own = room(module)
    inside = target == own or (target.startswith(f"{own}.") and own not in ("muzero_rc", "encoder_bridge"))
    return inside or any(
        target == allowed or (target.startswith(f"{allowed}.") and allowed != "encoder_bridge")
        for allowed in TABLE[own]
    )


def test_every_module_has_a_room() -> None:
    homeless = [m for m in modules() if room(m) in ("muzero_rc", "encoder_bridge") and m.count(".") > 0]
    assert not homeless, "give their package a line in TABLE"


def test_no_module_imports_what_its_room_may_not() -> None:
    wrong = {f"{m} -> {t}" for m, targets in own_imports().items() for t in targets if not may_import(m, t)}
    assert not wrong


def test_no_native_file_includes_what_its_room_may_not() -> None:
    wrong, native = [], ROOT / "native"
    unused = {(folder, target) for folder, targets in NATIVE.items() for target in targets}
    for path in sorted((*native.rglob("*.c"), *native.rglob("*.h"))):
        folder = path.relative_to(native).parts[0]
        for name in re.findall(OWN_INCLUDE, path.read_text(encoding="utf-8"), re.M):
            target = "include" if name.startswith("muzero_rc/") else name.split("/")[0]
            unused.discard((folder, target))
            if target in NATIVE and target != folder and target not in NATIVE[folder]:
                wrong.append(f"{path.relative_to(ROOT)} includes {name}")
            elif target not in NATIVE and "/" not in name and (path.parent / name).exists():
                wrong.append(f"{path.relative_to(ROOT)} includes {name}: name it from native/ on")
    assert not wrong
    assert not unused, "arrows that no file needs: take them out of NATIVE"


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
