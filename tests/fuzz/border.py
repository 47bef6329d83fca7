"""Call the core with the right types and wrong values: ``python border.py SEED CALLS``.

Whatever comes, there is an answer or a Python error that says what was wrong: the process lives.
"""

import ast
import json
import sys
from pathlib import Path

import numpy as np

from microtwin import _core

REFUSED = (TypeError, ValueError, IndexError, OverflowError, MemoryError)


class Values:
    """Draws values for the parameters of a function, by their names and types."""

    def __init__(self, seed):
        self._rng = np.random.default_rng(seed)

    def _one(self, *options):
        return options[self._rng.integers(len(options))]

    def integer(self):
        small = int(self._rng.integers(-2, 9))
        return self._one(small, small, small, 0, 1, -1, 255, 256, 2**31, -(2**63), 2**63 - 1, 2**64)

    def number(self):
        return self._one(0.0, 1.0, -1.0, 1e-3, 1e308, np.inf, np.nan, 5e-324, self._rng.random())

    def array(self, dtype):
        ndim = self._one(1, 2, 3, 3, 4)
        shape = tuple(self._rng.integers(0 if self._rng.random() < 0.1 else 1, 7, size=ndim))
        made = (self._rng.integers(0, self._one(2, 3, 300), size=shape)).astype(dtype)
        if self._rng.random() < 0.1:
            made = made[..., ::2]
        if self._rng.random() < 0.1:
            made = made.astype(self._one(np.int64, np.float32, np.bool_, object))
        return made

    def steps(self):
        return [
            [int(n) for n in self._rng.integers(-1, 3, size=self._one(3, 3, 3, 2, 1))]
            for _ in range(self._rng.integers(0, 4))
        ]

    def target(self):
        lags = self._rng.integers(0, 5)
        return (
            self._one("two_point", "lineal_path", "chord_length", "cluster", "nothing", ""),
            self.integer(),
            self._one([0, 0, 1], [1, 0, 0], [0, 1, 1], [0, 0, 0], [1], [9, 9, 9]),
            self._one([], [0, 0, 0], [0, 1, 0], [self.integer()]),
            [self.number() for _ in range(lags)],
            [self.number() for _ in range(lags + self._rng.integers(0, 2))],
        )

    def of(self, name, kind):
        if self._rng.random() < 0.02:
            return self._one(None, "x", [], {}, 1.5, object())
        if name == "threads":
            return self._one(1, 1, 2, 0, -1)
        if name in ("proposals", "count", "max_iterations"):
            return int(self._rng.integers(-1, 50))
        if "None" in kind and self._rng.random() < 0.5:
            return None
        for part, draw in (
            ("_Steps", self.steps),
            ("Sequence[_Target]", lambda: [self.target() for _ in range(self._rng.integers(0, 4))]),
            ("_Target", self.target),
            ("_Labels", lambda: self.array(np.uint8)),
            ("np.int32", lambda: self.array(np.int32)),
            ("np.uint32", lambda: self.array(np.uint32)),
            ("np.float64", lambda: self._rng.random(self._one(256, 256, 3))),
            ("np.float32", lambda: self.array(np.float32)),
            ("Callable", lambda: None),
            ("bool", lambda: bool(self._rng.integers(2))),
            ("int", self.integer),
            ("float", self.number),
            ("str", lambda: self._one("face", "centre", "periodic", "auto", "single", "x", "")),
        ):
            if part in kind:
                return draw()
        raise AssertionError(kind)


def functions():
    """Return the parameters of each function and method of the core, from its stub."""
    tree = ast.parse(Path(_core.__file__).with_name("_core.pyi").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, None, _parameters(node)
        elif isinstance(node, ast.ClassDef):
            methods = {
                one.name: _parameters(one)[1:]
                for one in node.body
                if isinstance(one, ast.FunctionDef) and not one.decorator_list
            }
            yield node.name, methods, methods["__init__"]


def _parameters(node):
    return [
        (one.arg, ast.unparse(one.annotation) if one.annotation else "") for one in node.args.args
    ]


def called(call, parameters, values, arguments=None):
    given = arguments or {name: values.of(name, kind) for name, kind in parameters}
    try:
        return call(**given)
    except REFUSED:
        return None


def main(seed, calls):
    values = Values(seed)
    answered = {}
    for name, methods, parameters in functions():
        for _ in range(calls):
            found = called(getattr(_core, name), parameters, values)
            answered[name] = answered.get(name, 0) + (found is not None)
            if found is None or methods is None:
                continue
            for method, theirs in methods.items():
                if method != "__init__":
                    called(getattr(found, method), theirs, values)
    print(json.dumps(answered))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
