"""Every block of code in the README and the docs is run, in the order of its page.

Sybil reads the pages and runs Python. Commands are called in this process, line by line. What the
pages speak of is in `page_inputs.py`, and how it is made small, without changing what readers see,
in `page_runs.py`. `GIVEN` says which files a page finds; what Python names without having made it
comes from `page_inputs.VALUES`. What is not run is in `NOT_RUN`, with the reason.
"""

import ast
import contextlib
import io
import re
import shlex
import signal
import subprocess
import sys
import types
import urllib.request
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from sybil import Document, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from docs import page_runs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benches" / "README.md",
         *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "fuzz" / "README.md"]  # fmt: skip

# Commands that are not run, by how they begin, and texts that nothing prints.
NOT_RUN = {
    "pip install": "installs; .ci/run does so before all else",
    "python -m venv": "the same",
    ". .venv/": "enters that environment",
    "pytest": "runs the tests, of which this is one, or hours of benchmarks",
    "ruff": "run by .ci/run",
    "mypy": "run by .ci/run",
    "lint-imports": "run by .ci/run",
    "git ls-files": "formats the C++ in place; .ci/run looks whether it is",
    "cmake": "compiles the core; .ci/run does so",
    "ctest": "run by .ci/run",
    ".ci/run": "runs these tests",
    "python benches/": "hours on data that is not here; scripts and options are looked up",
    "python tests/fuzz/": "runs until it is stopped; options are looked up",
    "build/fuzz/": "a program that is built for fuzzing alone",
    "dask": "takes several machines; tests/many begins schedulers and workers",
    "JAX_COORDINATOR_ADDRESS": "takes several machines; tests/learning trains in two processes",
    "cpp/include/microtwin/": "a tree of folders",
    "images/": "a tree of folders",
    "the weights are not here": "an error, shortened, with the paths of a machine",
}
# Files that a page finds in its folder when its Python, or its commands, begin.
GIVEN = {
    ("README.md", "python"): "electrode.tif",
    ("README.md", "sh"): "electrode.tif scans tiles good strokes scan.raw volume.npy volumes twins "
    "part-a part-b runs/a",
    ("docs/anomaly.md", "sh"): "normal further spoilt images",
    ("docs/classification.md", "python"): "tiles new tiles-of-another-sample",
    ("docs/classification.md", "sh"): "tiles other-tiles new",
    ("docs/comparison.md", "sh"): "labels twins samples part-a part-b runs/a",
    ("docs/index.md", "python"): "electrode.tif",
    ("docs/index.md", "sh"): "electrode.tif",
    ("docs/phases.md", "python"): "strokes",
    ("docs/phases.md", "sh"): "scans strokes more",
    ("docs/reports.md", "python"): "test",
    ("docs/scale.md", "python"): "scans volumes.zarr samples runs/solid",
    ("docs/scale.md", "sh"): "scans volumes.zarr samples labels slice.png runs/solid scan.raw",
    ("docs/screening.md", "sh"): "samples labels runs/electrode",
    ("docs/selection.md", "sh"): "scans",
    ("docs/statistics_tiles_rev.md", "python"): "scan.zarr scan.raw,sparse",
    ("docs/transport.md", "sh"): "volumes rock.npy",
    ("docs/weights.md", "python"): "mobilenet_v2_no_top.h5 weights/efficientnet_lite0.safetensors",
}
SLOW = {
    ("README.md", "python"), ("README.md", "sh"), ("docs/index.md", "sh"),
    ("docs/scale.md", "python"), ("docs/scale.md", "sh"), ("docs/weights.md", "python"),
}  # fmt: skip
TYPED = {"microtwin select label": "yn" * 12}  # keys for what asks for them
# Which may end with code 1: nothing is near enough, or nothing was learned, as it may with so few.
ANSWERS_NO = ("microtwin screen", "microtwin select train")


class Page:
    """A page in the order of its blocks, and the folder that they work in."""

    def __init__(self, path, folder, world):
        self.name = str(path.relative_to(ROOT))
        self.folder, self.world = folder, world
        self.printed = ""
        self.document = Sybil(
            parsers=[
                CodeBlockParser("python", self.run_python),
                CodeBlockParser("sh", self.run_commands),
                CodeBlockParser("text", self.compare_text),
            ],
        ).parse(path)

    def blocks(self, *languages):
        return [one for one in self.document.examples() if language_of(one) in languages]

    def run(self, *languages):
        """Run what is in these languages; return how many blocks that was."""
        names = GIVEN.get((self.name, languages[0]), "").split()
        for name in names:
            self.world.put(name, self.folder)
        blocks = self.blocks(*languages)
        for block in blocks:
            block.evaluate()
        return len(blocks)

    def run_python(self, block):
        given = self.world.values(self.name)
        for node in ast.walk(ast.parse(block.parsed)):
            if isinstance(node, ast.Name) and node.id in given:
                block.namespace.setdefault(node.id, given[node.id]())
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                PythonEvaluator()(block)
        finally:
            plt.close("all")
        self.printed += out.getvalue()

    def compare_text(self, block):
        """Hold a block of text against what the page has printed."""
        if not reason_of(block.parsed):
            same = close(block.parsed.strip(), self.printed.strip())
            assert same, f"{where(block)}: printed was\n{self.printed}"

    def run_commands(self, block):
        for line, command in commands(block):
            if reason_of(shlex.join(command)):
                continue
            assert command[0] == "microtwin", f"{line}: nothing runs it, and NOT_RUN has no reason"
            code, said = self.served(command) if command[1] == "serve" else self.called(command)
            answers = {0, 1} if shlex.join(command).startswith(ANSWERS_NO) else {0}
            assert code in answers, f"{line}: {shlex.join(command)}\nended with {code}:\n{said}"

    def called(self, command):
        """Run a command in this process; return its code and what it said."""
        out, keys = io.StringIO(), TYPED.get(" ".join(command[:3]), "")
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
            patch.setattr(sys, "stdin", io.StringIO(keys))
            with contextlib.redirect_stderr(out), pytest.raises(SystemExit) as end:
                self.world.program.main(command[1:], prog_name="microtwin")
        plt.close("all")
        return int(end.value.code or 0), out.getvalue()

    def served(self, command):
        """Start a server, fetch its page, and interrupt it."""
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", *command], stdout=subprocess.PIPE, text=True
        )
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            with urllib.request.urlopen(address, timeout=60) as page:
                assert page.status == 200
                assert b"microtwin" in page.read()
        finally:
            server.send_signal(signal.SIGINT)
            said, _ = server.communicate(timeout=60)
        return server.returncode, said


def language_of(block):
    return block.region.lexemes["arguments"]


def where(block):
    return f"{Path(block.path).relative_to(ROOT)}:{block.line}"


def commands(block):
    """Yield the commands of a block of lines, and where each is."""
    for i, line in enumerate(block.parsed.splitlines(), start=block.line + 1):
        words = shlex.shlex(line, posix=True, punctuation_chars=";&")
        words.whitespace_split = True
        command = []
        for word in [*words, ";"]:
            if word not in (";", "&&"):
                command.append(word)
            elif command:
                yield f"{Path(block.path).relative_to(ROOT)}:{i}", command
                command = []


def close(a, b):
    """Tell whether two texts are the same but for the last digits of numbers."""
    (words, numbers), (others, found) = map(split, (a, b))
    return words == others and found == pytest.approx(numbers, rel=1e-4)


def split(text):
    number = r"\d+\.?\d*(?:e-?\d+)?"
    return re.sub(number, "#", text), [float(one) for one in re.findall(number, text)]


def reason_of(text):
    """Return the key of `NOT_RUN` that a command or a text begins with; None where it is run."""
    return next((key for key in NOT_RUN if begins(text, key)), None)


def begins(text, key):
    return text.startswith(key) and not (key[-1].isalpha() and text[len(key) :][:1].isalpha())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with page_runs.small_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def page(request, tmp_path, monkeypatch, world):
    """The page that the test names, and a module that its Python is in, as workers import it."""
    page = Page(request.param, tmp_path, world)
    module = types.ModuleType("a_module")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    page.document.namespace = module.__dict__
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROTWIN_WEIGHTS", "weights")
    return page


def pages(*languages):
    """Parametrize by the pages that have blocks in these languages."""
    found = [path for path in PAGES if Page(path, None, None).blocks(*languages)]
    names = {path: str(path.relative_to(ROOT)) for path in found}
    marks = {name: pytest.mark.slow for name, language in SLOW if language in languages}
    params = [
        pytest.param(path, id=name, marks=marks.get(name, ())) for path, name in names.items()
    ]
    return pytest.mark.parametrize("page", params, indirect=True)


@pages("python")
def test_python_runs_and_prints_what_the_page_says(page):
    assert page.run("python", "text") > 0


@pages("sh")
def test_commands_run(page):
    assert page.run("sh") > 0


def all_blocks():
    """Yield every block between fences, whatever its language, with the page that it is on."""
    fences = RawFencedCodeBlockLexer(re.compile(r"(?P<arguments>[^\n]*)$\n", re.MULTILINE))
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for region in fences(Document(text, str(path))):
            line = text.count("\n", 0, region.start) + 1
            yield f"{path.relative_to(ROOT)}:{line}", region.lexemes["arguments"].strip()


def test_no_block_is_of_a_language_that_nothing_runs():
    others = {name: kind for name, kind in all_blocks() if kind not in ("python", "sh", "text")}
    wrong = {name for name, kind in others.items() if not kind.startswith("{")}
    assert not wrong, f"name the language, python, sh or text: {wrong}"


def test_what_is_not_run_and_what_is_given_is_on_the_pages():
    texts, pages = [], {}
    for path in PAGES:
        page = Page(path, None, None)
        texts += [one.parsed for one in page.blocks("text")]
        for block in page.blocks("sh"):
            texts += [shlex.join(command) for _, command in commands(block)]
        pages |= {(page.name, kind): page.blocks(kind) for kind in ("python", "sh")}
    assert set(NOT_RUN) == {reason_of(text) for text in texts} - {None}
    typed = {*TYPED, *ANSWERS_NO}
    assert typed == {one for one in typed if any(text.startswith(one) for text in texts)}
    for key, names in GIVEN.items():
        assert pages[key], key
        said = (ROOT / key[0]).read_text(encoding="utf-8")
        for name in names.split():
            assert name.partition(",")[0].removeprefix("weights/") in said, (key, name)


def scripts():
    for path in PAGES:
        for block in Page(path, None, None).blocks("sh"):
            for line, command in commands(block):
                if command[0] == "python" and command[1].endswith(".py"):
                    yield pytest.param(command[1:], id=line)


@pytest.mark.parametrize("command", scripts())
def test_scripts_that_are_not_run_are_there_and_know_their_options(command):
    source = (ROOT / command[0]).read_text(encoding="utf-8")
    for option in (word for word in command[1:] if word.startswith("--")):
        assert f'"{option}"' in source, option
