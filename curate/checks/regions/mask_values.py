"""Which values a set of masks uses, and which values of a mask are none of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.wording import some_of

USUAL_SHARE = 0.9
"""Where this share of the masks holds at most two values, the set is one of two values."""
SHOWN = 6
"""Values that a reason names before it only counts."""


def present_values(bits: np.ndarray) -> np.ndarray:
    """(m, 4) uint64 -> (m, 256) bool: whether each value from 0 to 255 occurs."""
    return np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), axis=1, bitorder="little").astype(bool)


def allowed_values(
    names: Sequence[str], classes: int | None, background: int | None, ignore: int | None, present: np.ndarray
) -> tuple[np.ndarray | None, str]:
    """(256,) bool, the values that a mask may hold, and why; None where nothing says it.

    Args:
        names: the classes, in the order of their numbers.
        classes: how many there are, where the user says so.
        background: value that is no object, None for none.
        ignore: value that does not count, None for none.
        present: (m, 256) bool, of the masks that say what is usual.
    """
    allowed = np.zeros(256, dtype=bool)
    if classes is not None or names:
        count = classes if classes is not None else len(names)
        unnamed = (
            classes is None and background == 0 and not any(n.lower() in ("background", "bg", "void") for n in names)
        )
        allowed[: min(256, count + unnamed)] = True
        why = f"the {count} classes are 0 to {count - 1}" if not unnamed else f"0 and the {count} classes"
    else:
        few = present.sum(1) <= 2
        if not len(present) or few.mean() < USUAL_SHARE:
            return None, ""
        common = np.argsort(-present[few].sum(0), kind="stable")[:2]
        common = common[present[few][:, common].any(0)]
        others = np.delete(present[few], common, axis=1).any(1).mean()
        # Many pairs of values, or one other value in many masks: the masks hold one class each.
        if present[few][:, common].all(1).mean() < 0.5 or others > 1 - USUAL_SHARE:
            return None, ""
        allowed[common] = True
        return allowed, f"the masks of the set hold {' and '.join(map(str, sorted(common.tolist())))}"
    for value in (background, ignore):
        if value is not None and 0 <= value < 256:
            allowed[value] = True
    return allowed, why


def listed(values: np.ndarray) -> str:
    """Up to six of some values as text."""
    return some_of(values, SHOWN)
