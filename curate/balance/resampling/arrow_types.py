"""What an Arrow type holds."""

from __future__ import annotations

import pyarrow as pa


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, for a dictionary that of what it holds."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def inner(kind: pa.DataType) -> pa.DataType:
    """The type at the bottom of nested lists."""
    while is_list(kind):
        kind = kind.value_type
    return plain(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether it is a list of any form."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def is_float(kind: pa.DataType) -> bool:
    """Whether it is a floating-point number."""
    return pa.types.is_floating(kind)


def is_single(kind: pa.DataType) -> bool:
    """Whether float32 holds every value of the type."""
    return (pa.types.is_floating(kind) or pa.types.is_integer(kind)) and (
        kind in (pa.float32(), pa.float16(), pa.int8(), pa.uint8(), pa.int16(), pa.uint16())
    )
