"""How many rows of each class there should be: imbalanced-learn's `sampling_strategy` and more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from curate.errors import ConfigError, nearest

To = str | int | float | Mapping[str, int] | Sequence[str]
LEVELS = ("median", "mean", "effective")


def extra_rows(
    to: To, counts: np.ndarray, names: Sequence[str], beta: float, max_ratio: float | None = None
) -> dict[int, int]:
    """Class -> rows to add, 0 among them where the class is named and has enough.

    ``effective`` makes the classes' shares those of their effective numbers of rows, (1 - beta^n)/(1 - beta), with the
    largest class as it is.

    Args:
        to: as `curate.balance.resample.Resample.to`.
        counts: (K,) int rows that there are.
        names: the K classes.
        beta: of ``effective``.
        max_ratio: no class gets beyond so many times its rows.

    Raises:
        ConfigError: the target can't be reached by adding rows.
    """
    goal = _goals_over(to, counts, names, beta)
    if max_ratio is not None:
        goal = {code: min(n, max(int(counts[code]), int(counts[code] * max_ratio))) for code, n in goal.items()}
    return {code: int(n - counts[code]) for code, n in sorted(goal.items())}


def _goals_over(to: To, counts: np.ndarray, names: Sequence[str], beta: float) -> dict[int, int]:
    present = np.flatnonzero(counts).tolist()
    most, largest = int(counts.max()), int(counts.argmax())
    smallest = min(present, key=lambda code: counts[code])
    if isinstance(to, Mapping):
        goal = _named(to, counts, names)
        for code, n in goal.items():
            if n < counts[code]:
                raise ConfigError(
                    f"resample: `to` asks for {n} rows of class {names[code]!r}, and there are {counts[code]}; this"
                    " method only adds rows (a method such as random_under takes rows away)"
                )
        return goal
    if isinstance(to, str):
        if to in LEVELS:
            level = _levels(to, counts, beta, most)
            return {code: max(int(counts[code]), int(level[code])) for code in present}
        left_out = {"minority": set(present) - {smallest}, "not minority": {smallest}, "all": set()}
        out = left_out.get(to, {largest})
        return {code: most for code in present if code not in out}
    if isinstance(to, float):
        goal = {code: int(most * to) for code in present if code != largest}
        if len(present) == 2 and any(n < counts[code] for code, n in goal.items()):
            [(code, n)] = goal.items()
            raise ConfigError(
                f"resample: `to: {to:g}` asks for {n} rows of class {names[code]!r} ({to:g} of {most}), and there are"
                f" {counts[code]} already; ask for a larger share, or take a method that drops rows"
            )
        return {code: max(n, int(counts[code])) for code, n in goal.items()}
    if isinstance(to, int):
        return {code: max(to, int(counts[code])) for code in present}
    raise _no_list()


def kept_rows(to: To, counts: np.ndarray, names: Sequence[str], beta: float) -> dict[int, int]:
    """Class -> rows that stay, of the classes that the target speaks of.

    ``effective`` is as for `extra_rows`, with the smallest class as it is.

    Raises:
        ConfigError: the target can't be reached by dropping rows.
    """
    present = np.flatnonzero(counts).tolist()
    smallest = min(present, key=lambda code: counts[code])
    least, largest = int(counts[smallest]), int(counts.argmax())
    if isinstance(to, Mapping):
        goal = _named(to, counts, names)
        for code, n in goal.items():
            if n > counts[code]:
                raise ConfigError(
                    f"resample: `to` asks for {n} rows of class {names[code]!r}, and there are only {counts[code]};"
                    " this method only drops rows (a method such as random_over adds some)"
                )
    elif isinstance(to, str):
        if to in LEVELS:
            level = _levels(to, counts, beta, least)
            goal = {code: min(int(counts[code]), int(level[code])) for code in present}
            return dict(sorted((code, n) for code, n in goal.items() if n < counts[code]))
        chosen = {"majority": {largest}, "not majority": set(present) - {largest}, "all": set(present)}
        goal = dict.fromkeys(chosen.get(to, set(present) - {smallest}), least)
    elif isinstance(to, float):
        goal = {code: int(least / to) for code in present if code != smallest}
        if len(present) == 2 and any(n > counts[code] for code, n in goal.items()):
            [(code, n)] = goal.items()
            raise ConfigError(
                f"resample: `to: {to:g}` leaves {n} rows of class {names[code]!r} ({least} / {to:g}), and there are"
                f" only {counts[code]}; ask for a larger share, or take a method that adds rows"
            )
        goal = {code: min(n, int(counts[code])) for code, n in goal.items()}
    elif isinstance(to, int):
        goal = {code: to for code in present if counts[code] > to}
    else:
        raise _no_list()
    for code, n in goal.items():
        if n == 0:
            raise ConfigError(
                f"resample: `to` leaves no row of class {names[code]!r}, which has {counts[code]}; ask for 1 or more"
            )
    return dict(sorted(goal.items()))


def cleaned_classes(to: To, counts: np.ndarray, names: Sequence[str], method: str) -> list[int]:
    """Classes whose rows a cleaning method may drop.

    Raises:
        ConfigError: the target is a number of rows, which cleaning can't aim at.
    """
    present = np.flatnonzero(counts).tolist()
    smallest, largest = min(present, key=lambda code: counts[code]), int(counts.argmax())
    if isinstance(to, str) and to not in (*LEVELS, "minority"):
        chosen = {"majority": {largest}, "not majority": set(present) - {largest}, "all": set(present)}
        return sorted(chosen.get(to, set(present) - {smallest}))
    if isinstance(to, Sequence) and not isinstance(to, str):
        return sorted(_named(dict.fromkeys(to, 0), counts, names))
    raise ConfigError(
        f"resample: {method} drops the rows that it finds wanting, so it can't aim at a number (to: {to}); say which"
        " classes it may touch: auto, not minority, majority, not majority, all, or a list of classes"
    )


def _levels(to: str, counts: np.ndarray, beta: float, scale: int) -> np.ndarray:
    """(K,) int64: the wanted rows of each class; `scale` is the size of the class that stays as it is."""
    some = counts[counts > 0]
    if to == "effective":
        effective = -np.expm1(counts * np.log(beta)) if beta > 0 else (counts > 0).astype(np.float64)
        kept = effective[counts == scale].max()
        return np.ceil(scale * effective / kept - 1e-9).astype(np.int64)
    middle = np.median(some) if to == "median" else some.mean()
    return np.full(len(counts), int(np.ceil(middle - 1e-9)))


def _named(to: Mapping[str, int], counts: np.ndarray, names: Sequence[str]) -> dict[int, int]:
    place = {name: code for code, name in enumerate(names)}
    goal: dict[int, int] = {}
    for name, n in to.items():
        if name not in place:
            raise ConfigError(
                f"resample: `to` names the class {name!r}, which the task does not have{nearest(name, names)}"
            )
        if not counts[place[name]]:
            raise ConfigError(f"resample: `to` names the class {name!r}, which no active training row has")
        goal[place[name]] = int(n)
    return goal


def _no_list() -> ConfigError:
    return ConfigError(
        "resample: `to`: a list of classes is for methods that clean (tomek_links, edited_nearest_neighbours ...); this"
        " one needs a number of rows: a mapping class -> rows, a ratio, or a name such as median"
    )
