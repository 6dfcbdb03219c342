"""Faults that are planted into cells and columns of tables, and the clean tables that they are planted into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

WARDS = ["Cardiology", "Emergency Care", "Paediatrics", "Radiology", "Surgery (day)"]
Planted = tuple[pd.DataFrame, set[tuple[int, str]]]
Plant = Callable[[pd.DataFrame, np.random.Generator], Planted]


def clean_tables(data: Path) -> dict[str, pd.DataFrame]:
    """Real tables without known faults: name -> columns, the label (if any) called ``label``."""
    from sklearn import datasets

    found: dict[str, pd.DataFrame] = {}
    hospital = data / "hospital_dirty_clean" / "clean.csv"
    if hospital.exists():
        found["hospital clean"] = pd.read_csv(hospital, dtype=str, keep_default_na=False)
    febrl = data / "febrl_dedup" / "dataset1.csv"
    if febrl.exists():
        people = pd.read_csv(febrl, skipinitialspace=True, dtype=str)
        found["febrl originals"] = (
            people[people.rec_id.str.contains("org")].drop(columns="rec_id").reset_index(drop=True)
        )
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame.rename(columns={"target": "label"})
        found[name] = frame if name == "diabetes" else frame.assign(label=frame.label.astype(str))
    for path in sorted((data / "adbench_tabular").glob("[0-9]*.npz")):
        held = np.load(path)
        frame = pd.DataFrame(held["X"], columns=[f"f{k}" for k in range(held["X"].shape[1])])
        found[path.stem.partition("_")[2]] = frame.assign(label=np.where(held["y"] == 1, "anomaly", "normal"))
    return found


def with_dates(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The table with columns of dates, codes, categories and amounts, so that every fault has its place."""
    n = len(frame)
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D")
    colours = rng.choice(["red", "green", "blue", "yellow"], n, p=[0.4, 0.3, 0.2, 0.1])
    codes = np.char.zfill(rng.integers(0, 99_999, n).astype(str), 5)
    wards = rng.choice(WARDS, n)
    return frame.assign(
        ward=wards,
        visited=days.strftime("%Y-%m-%d"),
        postal=codes,
        colour=colours,
        amount=rng.lognormal(3, 0.8, n).round(2),
    )


def _cells(
    frame: pd.DataFrame, columns: list[str], share: float, rng: np.random.Generator, change: Callable[[str], str]
) -> Planted:
    """The table with a share of its rows changed, each in one of the columns."""
    changed, places = frame.copy(), set()
    for name in columns:
        changed[name] = changed[name].astype(object)
    for row in rng.choice(len(frame), max(3, int(share * len(frame))), replace=False).tolist():
        name = columns[int(rng.integers(len(columns)))]
        held = str(frame[name].iloc[row])
        wrong = change(held)
        if wrong != held:
            changed.iat[row, changed.columns.get_loc(name)] = wrong
            places.add((row, name))
    return changed, places


def _slip(text: str, rng: np.random.Generator) -> str:
    """A letter replaced, left out, doubled or swapped with the next, or the whole in another case."""
    letters = [k for k, c in enumerate(text) if c.isalpha()]
    if not letters:
        return text
    k, kind = letters[int(rng.integers(len(letters)))], int(rng.integers(5))
    if kind == 0:
        new = "abcdefghijklmnopqrstuvwxyz"[int(rng.integers(26))]
        return text[:k] + (new.upper() if text[k].isupper() else new) + text[k + 1 :]
    if kind == 1:
        return text[:k] + text[k + 1 :]
    if kind == 2:
        return text[:k] + text[k] + text[k:]
    if kind == 3 and k + 1 < len(text) and text[k + 1].isalpha():
        return text[:k] + text[k + 1] + text[k] + text[k + 2 :]
    return text.upper() if text != text.upper() else text.lower()


def _texts(frame: pd.DataFrame) -> list[str]:
    """Columns of words, most of whose cells hold a value that comes at least ten times."""
    found = []
    for name in frame.columns:
        if frame[name].dtype.kind in "iuf" or name == "label":
            continue
        counts, words = frame[name].value_counts(), frame[name].astype(str)
        again = counts[counts >= 10].sum() >= 0.95 * len(frame)
        if again and words.str.len().median() >= 5 and words.str.contains("[A-Za-z]{3}").mean() > 0.9:
            found.append(name)
    return found


def _numbers(frame: pd.DataFrame) -> list[str]:
    """Columns of numbers with at least twenty values."""
    return [c for c in frame.columns if frame[c].dtype.kind in "iuf" and c != "label" and frame[c].nunique() >= 20]


def misspelt(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """Slips of the pen in columns of words."""
    return _cells(frame, _texts(frame), 0.02, rng, lambda text: _slip(text, rng))


def rare(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """One category that no other row has."""
    changed, row = frame.copy(), int(rng.integers(len(frame)))
    changed.loc[row, "colour"] = "platinum"
    return changed, {(row, "colour")}


def mixed(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """Text in columns of numbers."""
    words = ("abc", "12,5", "about 7", "5 kg", "1.2.3", "O.5", "#", "ten")
    return _cells(frame, _numbers(frame), 0.02, rng, lambda text: words[int(rng.integers(len(words)))])


def odd_format(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """Dates written in another way, codes with a letter or a digit too few."""

    def change(text: str) -> str:
        date = (text.replace("-", "/"), text.replace("-", ""), text[2:], "12345", text[:-1] + "x")
        code = (text[:-1], text[:2] + "O" + text[3:], text + "0", text[:2] + " " + text[2:])
        forms = date if "-" in text else code
        return forms[int(rng.integers(len(forms)))]

    return _cells(frame, ["visited", "postal"], 0.02, rng, change)


def out_of_range(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """Numbers far beyond the largest or smallest: a unit or a decimal point mistaken."""
    changed, places, names = frame.copy(), set(), _numbers(frame)
    for name in names:
        changed[name] = changed[name].astype(float)
    for row in rng.choice(len(frame), max(3, int(0.02 * len(frame))), replace=False).tolist():
        name = names[int(rng.integers(len(names)))]
        low, high = float(frame[name].min()), float(frame[name].max())
        value = (high + 10 * (high - low), 1000 * max(abs(high), abs(low)), low - 10 * (high - low))[
            int(rng.integers(3))
        ]
        changed.iat[row, changed.columns.get_loc(name)] = value
        places.add((row, name))
    return changed, places


def broken_dependency(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """A city or a name of another row, though the key of the row says otherwise."""
    n = len(frame)
    keys = rng.integers(0, max(4, n // 15), n)
    towns = np.array([f"town {k % max(3, n // 40)}" for k in range(keys.max() + 1)])
    changed = frame.assign(zip=[f"Z{k:04d}" for k in keys], town=towns[keys], holder=[f"holder {k}" for k in keys])
    original, places = changed.copy(), set()
    for row in rng.choice(n, max(3, int(0.02 * n)), replace=False).tolist():
        name = ("town", "holder")[int(rng.integers(2))]
        other = original[name].iloc[int(rng.integers(n))]
        if other != original[name].iloc[row] and (original.zip == original.zip.iloc[row]).sum() >= 6:
            changed.loc[row, name] = other
            places.add((row, name))
    return changed, places


def disguised(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """-999, 9999 and the like in one column of numbers, words in one of text."""
    changed, places = frame.copy(), set()
    name = _numbers(frame)[0]
    high, low = float(frame[name].max()), float(frame[name].min())
    wide = max(high - low, 1e-9)
    stand_in = next(v for v in (-999.0, -9999.0, 9999.0, 99999.0) if v < low - wide or v > high + wide)
    changed[name] = changed[name].astype(float)
    for row in rng.choice(len(frame), max(4, int(0.02 * len(frame))), replace=False).tolist():
        if rng.random() < 0.7:
            changed.iat[row, changed.columns.get_loc(name)] = stand_in
            places.add((row, name))
        else:
            changed.loc[row, "colour"] = ("unknown", "N.A.", "not available", "NA", "Undefined")[int(rng.integers(5))]
            places.add((row, "colour"))
    if sum(column == name for _, column in places) == 1:
        row = next(row for row in range(len(frame)) if (row, name) not in places)
        changed.iat[row, changed.columns.get_loc(name)] = stand_in
        places.add((row, name))
    return changed, places


def missing(frame: pd.DataFrame, rng: np.random.Generator) -> Planted:
    """Blank cells, question marks and n/a in columns of text."""
    fills = ("", "  ", "?", "n/a", "NaN", "null", "-")
    return _cells(frame, ["visited", "postal", "colour"], 0.02, rng, lambda text: fills[int(rng.integers(len(fills)))])


PLANTS: dict[str, Plant] = {
    "missing_cells": missing,
    "disguised_missing": disguised,
    "misspelt_value": misspelt,
    "rare_category": rare,
    "mixed_types": mixed,
    "odd_format": odd_format,
    "out_of_range": out_of_range,
    "broken_dependency": broken_dependency,
}


def planted_columns(frame: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """The table with one column of each fault that columns have: issue -> its columns."""
    n, label = len(frame), frame["label"] if "label" in frame else pd.Series(["a", "b"] * len(frame))[: len(frame)]
    names = pd.factorize(label)[0] if label.dtype.kind not in "f" else label
    changed = frame.assign(
        label=label.to_numpy(),
        same="x",
        number=rng.permutation(n) + 10_000,
        key=[f"k-{k:06d}" for k in rng.permutation(n)],
        again=frame.iloc[:, 0],
        hollow=np.where(np.arange(n) < 2, 1.5, np.nan),
        leak=np.asarray(names, dtype=float) * 3 + 1,
        diagnosis=[f"code {v}" for v in names],
    )
    wanted = {
        "constant_column": {"same"},
        "id_column": {"number", "key"},
        "repeated_column": {"again"},
        "missing_column": {"hollow"},
        "target_leak": {"leak", "diagnosis"} if label.dtype.kind not in "f" else {"leak"},
    }
    return changed, wanted
