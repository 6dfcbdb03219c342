"""Rules over columns: a small grammar, parsed without running anything, computed on whole Arrow columns.

A rule is written like a condition in Python: comparisons (also chained), ``in`` a list, ``and``, ``or``, ``not``,
``+ - * / %``, ``a if condition else b``, and the functions of `FUNCTIONS`. Names are columns; ``column("two words")``
names one that is no plain word. Where a value is missing a comparison is neither true nor false, and the row is not
judged.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import nearest

MAX_LENGTH = 2000
MAX_DEPTH = 40
Values = Any
"""A column, or a scalar: what Arrow computes with."""

COMPARISONS: Mapping[type, Callable[[Values, Values], Values]] = {
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}
ARITHMETIC: Mapping[type, Callable[[Values, Values], Values]] = {
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,
    ast.Mod: lambda a, b: pc.subtract(a, pc.multiply(b, pc.floor(pc.divide(a, b)))),
}


class WrongRule(ValueError):
    """A rule that can't be read, or that can't be computed on these columns."""


def _length(values: Values) -> Values:
    return pc.list_value_length(values) if pa.types.is_nested(values.type) else pc.utf8_length(values)


def _unique(values: Values) -> Values:
    counts = pc.value_counts(values)
    often = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.if_else(pc.is_null(values), None, pc.invert(pc.is_in(values, value_set=often)))


FUNCTIONS: Mapping[str, tuple[Callable[..., Values], int, str]] = {
    "abs": (pc.abs, 1, "abs(number)"),
    "length": (_length, 1, "length(text or list)"),
    "lower": (pc.utf8_lower, 1, "lower(text)"),
    "upper": (pc.utf8_upper, 1, "upper(text)"),
    "strip": (pc.utf8_trim_whitespace, 1, "strip(text)"),
    "missing": (pc.is_null, 1, "missing(value)"),
    "unique": (_unique, 1, "unique(column)"),
    "matches": (lambda values, pattern: pc.match_substring_regex(values, pattern.as_py()), 2, 'matches(text, "regex")'),
    "contains": (lambda values, part: pc.match_substring(values, part.as_py()), 2, 'contains(text, "part")'),
    "starts_with": (lambda values, part: pc.starts_with(values, part.as_py()), 2, 'starts_with(text, "part")'),
    "ends_with": (lambda values, part: pc.ends_with(values, part.as_py()), 2, 'ends_with(text, "part")'),
}
"""Name -> what computes it, number of arguments, how it is written. Patterns are RE2: their time is linear."""


@dataclass(frozen=True)
class Rule:
    """A rule that was read.

    Attributes:
        text: as the user wrote it.
        columns: the columns that it names, in the order of their first mention.
    """

    text: str
    tree: ast.expr
    columns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read a rule. Raises WrongRule with the place of what is not understood."""
        if len(text) > MAX_LENGTH:
            raise WrongRule(f"a rule may have {MAX_LENGTH:,} characters, this one has {len(text):,}")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            where = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise WrongRule(f"{text!r} can't be read as a rule{where}: {getattr(error, 'msg', error)}") from None
        columns: dict[str, None] = {}
        _look(tree, text, columns, 0)
        if not columns:
            raise WrongRule(f"{text!r} names no column")
        return cls(text, tree, tuple(columns))

    def holds(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        """(n,) bool, null where a value that decides is missing. Raises WrongRule where types don't fit."""
        try:
            found = _compute(self.tree, columns)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OverflowError, TypeError) as error:
            kinds = ", ".join(f"{name} ({columns[name].type})" for name in self.columns)
            reason = str(error).splitlines()[0]
            raise WrongRule(f"{self.text!r} can't be computed on the columns {kinds}: {reason}") from None
        if not pa.types.is_boolean(found.type):
            raise WrongRule(f"{self.text!r} gives {found.type}, not true or false: compare it with something")
        if isinstance(found, pa.Scalar):  # unique(...) and the like of columns alone never end here
            found = pa.repeat(found, len(next(iter(columns.values()))))
        return found


def _look(node: ast.AST, text: str, columns: dict[str, None], depth: int) -> None:
    """Refuse whatever is not in the grammar, and gather the columns."""
    if depth > MAX_DEPTH:
        raise WrongRule(f"{text!r} is nested more than {MAX_DEPTH} deep")
    parts: list[Any] = []
    match node:
        case ast.BoolOp(values=values):
            parts = values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            parts = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=others):
            parts = [left, *_compared(ops, others, text)]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts = [test, body, orelse]
        case ast.Name(id=name):
            columns[name] = None
        case ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=str(name))], keywords=[]):
            columns[name] = None
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            parts = _arguments(name, args, text)
        case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float | str):
            pass
        case _:
            where = f" (character {node.col_offset + 1})" if isinstance(node, ast.expr) else ""
            raise WrongRule(f"{text!r}: {type(node).__name__} is not part of the rules' grammar{where}")
    for part in parts:
        _look(part, text, columns, depth + 1)


def _compared(ops: list[ast.cmpop], others: list[ast.expr], text: str) -> list[ast.expr]:
    found = []
    for op, other in zip(ops, others):
        if isinstance(op, ast.In | ast.NotIn):
            plain = isinstance(other, ast.List | ast.Tuple) and all(isinstance(e, ast.Constant) for e in other.elts)
            if not plain:
                raise WrongRule(f"{text!r}: `in` wants a list of values, such as [1, 2] or ['a', 'b']")
        elif type(op) not in COMPARISONS:
            raise WrongRule(f"{text!r}: compare with == and !=, not with `is`; missing(x) asks for missing values")
        else:
            found.append(other)
    return found


def _arguments(name: str, args: list[ast.expr], text: str) -> list[ast.expr]:
    if name not in FUNCTIONS:
        known = ", ".join(shown for _, _, shown in FUNCTIONS.values())
        raise WrongRule(f"{text!r}: there is no function {name!r}{nearest(name, FUNCTIONS)}; there are {known}")
    _, wanted, shown = FUNCTIONS[name]
    if len(args) != wanted or (
        wanted == 2 and not (isinstance(args[1], ast.Constant) and isinstance(args[1].value, str))
    ):
        raise WrongRule(f"{text!r}: {name} is written {shown}")
    if name == "matches":
        try:
            pc.match_substring_regex(pa.array([""]), args[1].value)  # type: ignore[attr-defined]
        except pa.ArrowInvalid as error:
            raise WrongRule(f"{text!r}: {error}") from None
    return args


def _compute(node: ast.AST, columns: Mapping[str, pa.Array]) -> Values:
    match node:
        case ast.Constant(value=value):
            return pa.scalar(value)
        case ast.Name(id=name) | ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=name)]):
            return columns[str(name)]
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name][0](*(_compute(arg, columns) for arg in args))
        case ast.BoolOp(op=op, values=values):
            join = pc.and_kleene if isinstance(op, ast.And) else pc.or_kleene
            found = [_compute(value, columns) for value in values]
            result = found[0]
            for other in found[1:]:
                result = join(result, other)
            return result
        case ast.UnaryOp(op=op, operand=operand):
            value = _compute(operand, columns)
            return (
                pc.invert(value) if isinstance(op, ast.Not) else pc.negate(value) if isinstance(op, ast.USub) else value
            )
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _compute(left, columns), _compute(right, columns)
            if isinstance(op, ast.Div | ast.Mod):
                a, b = (side.cast(pa.float64(), safe=False) for side in (a, b))  # 1/0 is infinite, and 1/2 a half
            return ARITHMETIC[type(op)](a, b)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return pc.if_else(_compute(test, columns), _compute(body, columns), _compute(orelse, columns))
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _comparison(left, ops, others, columns)
    raise AssertionError(f"{type(node).__name__} passed the grammar")


def _comparison(
    left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], columns: Mapping[str, pa.Array]
) -> Values:
    a, result = _compute(left, columns), None
    for op, other in zip(ops, others):
        if isinstance(op, ast.In | ast.NotIn):
            listed = pa.array([e.value for e in other.elts])  # type: ignore[attr-defined]
            b = a
            found = pc.if_else(pc.is_null(a), None, pc.is_in(a, value_set=listed.cast(a.type)))
            found = pc.invert(found) if isinstance(op, ast.NotIn) else found
        else:
            b = _compute(other, columns)
            found = COMPARISONS[type(op)](*_alike(a, b))
        a, result = b, found if result is None else pc.and_kleene(result, found)
    return result


def _alike(a: Values, b: Values) -> tuple[Values, Values]:
    """A text beside a date is a date, as long as it can be read as one."""
    if isinstance(b, pa.Scalar) and pa.types.is_temporal(a.type) and pa.types.is_string(b.type):
        return a, b.cast(a.type)
    if isinstance(a, pa.Scalar) and pa.types.is_temporal(b.type) and pa.types.is_string(a.type):
        return a.cast(b.type), b
    return a, b
