"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import microtwin

MODULES = [module.name for module in pkgutil.walk_packages(microtwin.__path__, "microtwin.")]


def examples(name):
    return [
        test
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        if test.examples
    ]


@pytest.mark.parametrize(
    "name", [n for n in MODULES if not n.endswith(("__main__", "_core", "_cuda"))]
)
def test_examples_of(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in examples(name):
        failed, tried = runner.run(test)
        assert tried
        assert failed == 0
