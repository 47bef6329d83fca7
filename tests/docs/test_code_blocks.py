"""Code in the README and the docs is of this version: it parses, and what it names is there.

Most of it is about files of the reader's own and takes hours, so that it cannot be run here as it
is. What can be told without: that Python parses, that every function of microtwin is there and
takes these arguments, that every command knows these options, that every script is in its place.
"""

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import microtwin as mt
from microtwin.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benches" / "README.md",
         *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "fuzz" / "README.md"]  # fmt: skip
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks():
    for page in PAGES:
        for number, (kind, code) in enumerate(FENCE.findall(page.read_text(encoding="utf-8"))):
            yield f"{page.relative_to(ROOT)}-{number}", kind, code


PYTHON = {name: code for name, kind, code in blocks() if kind == "python"}
LINES = {
    f"{name}: {line}": line
    for name, kind, code in blocks()
    if kind in ("", "sh", "bash", "shell")
    for line in map(str.strip, code.replace("\\\n", " ").splitlines())
    if re.search(r"(^|&& |[A-Z]=\S+ )(microtwin|python) ", line)
}


def named(node):
    """Return what of microtwin an expression names, such as mt.images.defects; None for others."""
    if isinstance(node, ast.Name):
        return {"mt": mt, "microtwin": mt}.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = named(node.value)
        if owner is not None and (owner is mt or inspect.ismodule(owner) or inspect.isclass(owner)):
            assert hasattr(owner, node.attr), f"{ast.unparse(node)} is not there"
            return getattr(owner, node.attr)
    return None


@pytest.mark.parametrize("name", PYTHON)
def test_python_is_of_this_version(name):
    tree = ast.parse(PYTHON[name])
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("microtwin"):
            module = __import__(node.module, fromlist=["x"])
            for one in node.names:
                assert hasattr(module, one.name), f"{node.module}.{one.name} is not there"
        if isinstance(node, ast.Attribute):
            named(node)
        function = named(node.func) if isinstance(node, ast.Call) else None
        if function is None or not callable(function):
            continue
        signature = inspect.signature(function)
        if any(keyword.arg is None for keyword in node.keywords) or any(
            isinstance(a, ast.Starred) or (isinstance(a, ast.Constant) and a.value is ...)
            for a in node.args
        ):
            continue
        keywords = {keyword.arg: None for keyword in node.keywords}
        signature.bind(*node.args, **keywords)  # TypeError: it takes other arguments


def test_blocks_are_found():
    assert len(PYTHON) > 15
    assert len(LINES) > 60


@pytest.mark.parametrize("line", LINES)
def test_commands_know_their_options(line):
    words = shlex.split(LINES[line], comments=True)
    while words:
        rest = words[words.index("&&") + 1 :] if "&&" in words else []
        words = words[: words.index("&&")] if "&&" in words else words
        words = [w for i, w in enumerate(words) if not ("=" in w and w.isupper() and i == 0)]
        while words and re.fullmatch(r"[A-Z_]+=\S+", words[0]):
            words = words[1:]
        if words[:1] == ["microtwin"]:
            check(words[1:])
        elif words[:1] == ["python"] and words[1].endswith(".py"):
            script = words[1].rstrip(";")
            assert (ROOT / script).is_file() or "/" not in script, f"{script} is not there"
        words = rest


def check(words):
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if hasattr(command, "commands"):
        if not words or "|" in words[0] or words[0].startswith("-"):
            return  # said of several commands at once
        raise AssertionError(f"there is no command {words[0]}")
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    for word in words:
        if word in ("|", ">", ";"):
            break
        option = word.split("=")[0]
        if re.match(r"--?[a-z]", option) and not re.fullmatch(r"-\d.*", option):
            assert option in known | {"--help", "-h"}, f"{command.name} has no option {option}"
