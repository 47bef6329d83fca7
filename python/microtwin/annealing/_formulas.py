"""Curves as formulas: text to numbers, by the few operations that a curve needs."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("exp", "log", "sqrt", "cos", "sin", "minimum", "maximum", "where")
}
_ARGUMENTS = {"minimum": 2, "maximum": 2, "where": 3}


def evaluate(formula: str, names: Mapping[str, Any], *, name: str) -> Any:
    """Return the value of a formula such as "f**2 + f*(1-f)*exp(-r/5)".

    The syntax tree is walked and only what is listed above is done: a formula from a file or a
    command line can compute numbers and nothing else.

    Parameters
    ----------
    formula : str
        Numbers, the names, pi, + - * / **, comparisons, and exp, log, sqrt, cos, sin,
        minimum(a, b), maximum(a, b) and where(condition, a, b).
    names : mapping of str to float or array
        What the names stand for.
    name : str
        What an error calls the formula.

    Raises
    ------
    InputError
        If it is no such formula; it says which piece is not.
    """
    known = {"pi": np.float64(np.pi), **names}

    def refused(node: ast.AST, why: str) -> InputError:
        return InputError(f"{name} must be a formula, not {formula!r}: {ast.unparse(node)} {why}")

    def value(node: ast.expr) -> Any:
        match node:
            # All numbers are floats: whole ones have no bound and could fill the memory.
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return np.float64(number)
            case ast.Name(id=word) if word in known:
                return known[word]
            case ast.Name():
                raise refused(node, f"is not known; there are {', '.join(known)}")
            case ast.BinOp(op=ast.BitXor()):
                raise refused(node, "is no power; write **")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=word), args=args, keywords=[]) if word in _FUNCTIONS:
                if len(args) != _ARGUMENTS.get(word, 1):
                    raise refused(node, f"must have {_ARGUMENTS.get(word, 1)} arguments")
                return _FUNCTIONS[word](*map(value, args))
            case ast.Call():
                raise refused(node, f"is not known; the functions are {', '.join(_FUNCTIONS)}")
            case _:
                raise refused(node, "is not allowed")

    try:
        tree = ast.parse(formula.strip(), mode="eval")
        with np.errstate(all="ignore"):  # what is not finite is found by those who ask
            return value(tree.body)
    except SyntaxError as error:
        where = (error.text or formula).strip()
        raise InputError(f"{name} must be a formula, not {where!r}: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} must be a formula that can be worked out: {error}") from None
