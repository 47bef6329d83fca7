"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import microtwin


def documented_modules():
    """Yield the modules whose source holds an example, without importing them all."""
    for module in pkgutil.walk_packages(microtwin.__path__, "microtwin."):
        spec = module.module_finder.find_spec(module.name, None)
        source = Path((spec and spec.origin) or "")
        if source.suffix == ".py" and ">>>" in source.read_text(encoding="utf-8"):
            yield module.name


@pytest.mark.parametrize("name", documented_modules())
def test_examples_of(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    tests = doctest.DocTestFinder().find(importlib.import_module(name))
    assert sum(runner.run(test).attempted for test in tests) > 0
    assert runner.summarize(verbose=False).failed == 0
