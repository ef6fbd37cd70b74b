"""Man pages and shell completion, as a build makes them: everything that the parsers know is there."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "docs"


@pytest.fixture(scope="module")
def command_docs():
    sys.path.insert(0, str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("command_docs", SCRIPTS / "command_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    """Made as a build makes it: by a Python that has nothing installed."""
    folder = tmp_path_factory.mktemp("share")
    script = SCRIPTS / "command_docs.py"
    subprocess.run([sys.executable, "-I", "-S", "-B", script, folder], check=True)
    return folder


def all_parsers(command_docs):
    from parser_facts import verbs

    for command in command_docs.parsers():
        yield command.prog, command
        for sub in verbs(command).values():
            yield command.prog, sub


def test_every_option_verb_and_listed_value_is_in_all_three(command_docs, share):
    from parser_facts import arguments, verbs

    seen = 0
    for command, parser in all_parsers(command_docs):
        page = (share / "man" / "man1" / f"{command}.1").read_text().replace("\\-", "-")
        bash = (share / "bash-completion" / "completions" / command).read_text()
        zsh = (share / "zsh" / "site-functions" / f"_{command}").read_text()
        for argument in arguments(parser):
            for word in [*argument.names, *argument.words]:
                assert all(word in text for text in (bash, zsh)), (command, word)
            assert all(name in page for name in argument.names), (command, argument.names)
            seen += 1
        assert all(f"{command} {verb}" in page and verb in bash and verb in zsh for verb in verbs(parser))
    assert seen > 60


def test_nothing_depends_on_the_machine_that_builds(command_docs, monkeypatch):
    before = command_docs.texts()
    monkeypatch.setattr(os, "cpu_count", lambda: 977)
    monkeypatch.setenv("COLUMNS", "40")
    assert command_docs.texts() == before


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_man_pages_are_sound(share):
    for page in sorted((share / "man" / "man1").iterdir()):
        ran = subprocess.run(
            ["groff", "-man", "-ww", "-z", "-K", "utf8", page], capture_output=True, text=True
        )
        assert (ran.returncode, ran.stderr) == (0, ""), page


def completed(share, command, *words):
    """What bash offers for the last word."""
    script = f"""
        source {share}/bash-completion/completions/{command}
        compopt() {{ COMPREPLY+=(FILES); }}
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _{command.replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "-u", "-c", script, "bash", command, *words], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("command", "words", "offered"),
    [
        ("rc-encode", ["--ref"], ["--refill"]),
        ("rc-encode", ["in.mp4", "--refill", "n"], ["never"]),
        ("rc-encode", ["--refill", "=", ""], ["auto", "never"]),
        ("rc-encode", ["--refill", "="], ["auto", "never"]),
        ("rc-encode", ["in.mp4", "-o", ""], ["FILES"]),
        ("rc-encode", ["in"], ["FILES"]),
        ("rc-encode", ["--bitrate", ""], []),
        ("rc-encode", ["--policy", "co"], ["controller", "FILES"]),
        ("rc-train", ["r"], ["run"]),
        ("rc-train", ["run", "--run"], ["--run-dir"]),
        ("rc-train", ["export", "--which", "b"], ["best"]),
        ("rc-plugin", ["path", "inc"], ["include"]),
        ("rc-plugin", ["exec", "--", "ffmpeg", "-i", ""], ["FILES"]),
    ],
)
def test_bash_completes(share, command, words, offered):
    assert completed(share, command, *words) == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_its_functions(share):
    for function in sorted((share / "zsh" / "site-functions").iterdir()):
        subprocess.run(["zsh", "-n", function], check=True)
