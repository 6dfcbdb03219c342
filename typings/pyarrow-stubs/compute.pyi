# pyarrow makes most of these functions when it is imported, where a type checker can't see them.
from typing import Any

def __getattr__(name: str) -> Any: ...
