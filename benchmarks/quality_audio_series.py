"""Quality of recordings and of series: planted faults found, false alarms on real sets, cost; anomalies against peers.

    python -m benchmarks.quality_audio_series [--data ../shared/data] [--planted 60] [--seed 0]

Each issue of `audio_quality` is planted in one tenth of the real recordings (one issue at a time) and each issue of
`series_quality` in one tenth of the real series; found is the share of the planted rows that the check flags for that
issue, false the share of all untouched rows of the real set that it flags. Cost is the time of the measures next to
bare decoding. Anomalies of long series are judged by labelled windows: a window is found where a flagged point lies in
it, and precision is the share of flagged stretches that touch one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import curate
from benchmarks import audio_series_faults as faults
from curate.checks.audio_quality import AudioQuality
from curate.checks.series_anomalies import SeriesAnomalies
from curate.checks.series_quality import SeriesQuality
from curate.evidence import Evidence, EvidenceSettings
from curate.media import audio as audio_files

SERIES = ("GunPoint", "BasicMotions", "ItalyPowerDemand")


def evidence_of(columns: dict, **roles: str) -> Evidence:
    """The evidence of rows in memory, without a cache."""
    columns = {**columns, "id": [f"r{row:06d}" for row in range(len(next(iter(columns.values()))))]}
    kind = "classification" if "label" in roles else "unlabeled"
    task = curate.Task(id="id", kind=kind, **roles)  # pyright: ignore[reportArgumentType]
    return Evidence(curate.load(columns, task=task), EvidenceSettings(workers=1))


def flagged(check: AudioQuality | SeriesQuality | SeriesAnomalies, evidence: Evidence) -> dict[str, set[int]]:
    """Issue -> rows that the check flags for it."""
    found = check.find(evidence)
    issues = {issue: set() for issue in found.summary.get(check.name, {})}
    for line in found.flagged.select(["issue", "row"]).to_pylist():
        issues[line["issue"]].add(line["row"])
    return issues


def planted_table(
    title: str,
    check: AudioQuality | SeriesQuality,
    plant: dict[str, Callable],
    make: Callable[[dict[int, Callable]], Evidence],
    rows: int,
    options: argparse.Namespace,
) -> None:
    """Print issue, planted, found and false alarms."""
    clean = flagged(check, make({}))
    print(f"\n{title}: {rows} rows, {min(options.planted, rows // 10)} planted in each line")
    print(f"  {'issue':<22}{'found':>8}{'of':>6}{'share':>8}{'false alarms, untouched':>26}")
    count = min(options.planted, rows // 10)
    for name, fault in plant.items():
        rng = np.random.default_rng(options.seed)
        chosen = rng.choice(rows, count, replace=False).tolist()
        found = flagged(check, make(dict.fromkeys(chosen, lambda *item, f=fault, rng=rng: f(*item, rng))))
        issue = name.partition(" ")[0]
        hits = len(found.get(issue, set()) & set(chosen))
        print(f"  {name:<22}{hits:>8}{count:>6}{hits / count:>8.1%}{len(clean.get(issue, ())) / rows:>20.2%}")
    rest = {issue: len(found) / rows for issue, found in clean.items() if found}
    print(
        f"  false alarms of all issues on the untouched set: {', '.join(f'{k} {v:.2%}' for k, v in rest.items()) or 0}"
    )


def audio_tables(data: Path, options: argparse.Namespace) -> None:
    """Recordings: mono faults, stereo faults, files that end early, and cost."""
    folder = data / "fsdd_600" / "recordings"
    if not folder.is_dir():
        print(f"audio: skipped, no {folder}")
        return
    clips = faults.recordings(folder)

    def make(changed: dict[int, Callable]) -> Evidence:
        encoded = [changed[i](*clip) if i in changed else faults.encoded(*clip) for i, clip in enumerate(clips)]
        return evidence_of({"audio": [{"bytes": data, "path": None} for data in encoded]}, audio="audio")

    planted_table("fsdd_600", AudioQuality(), dict(faults.AUDIO_FAULTS), make, len(clips), options)
    rng = np.random.default_rng(options.seed)
    stereo = [faults.to_stereo(wave, rng) for wave, _ in clips[::3]]

    def make_stereo(changed: dict[int, Callable]) -> Evidence:
        waves = [changed[i](wave) if i in changed else wave for i, wave in enumerate(stereo)]
        encoded = [{"bytes": faults.encoded(wave, 8000), "path": None} for wave in waves]
        return evidence_of({"audio": encoded}, audio="audio")

    of_channels = {name: lambda wave, rng, f=fault: f(wave) for name, fault in faults.STEREO_FAULTS.items()}
    planted_table("fsdd_600 as stereo", AudioQuality(), of_channels, make_stereo, len(stereo), options)
    cut = [faults.cut_off(*clip, rng) for clip in clips[::5]]
    broken = evidence_of({"audio": [{"bytes": data, "path": None} for data in cut]}, audio="audio").broken
    print(f"  files cut off (WAV, FLAC, OGG, AIFF) that are unreadable: {len(broken)} of {len(cut)}")
    _cost(clips)


def _cost(clips: list) -> None:
    from curate.evidence.measures.audio import AudioStatistics
    from curate.evidence.measures.audio_marks import AudioMarks
    from curate.evidence.measures.audio_spectrum import AudioSpectrum

    print(f"\n  {'ms per clip':<28}{'decode':>8}{'statistics':>12}{'marks':>8}{'spectrum':>10}")
    music = np.random.default_rng(0).normal(0, 0.1, 5 * 44_100).astype(np.float32)
    for title, group in (("fsdd_600 (0.4 s, 8 kHz)", clips[::4]), ("5 s at 44.1 kHz", [(music, 44_100)] * 10)):
        encoded = [faults.encoded(*clip) for clip in group]
        began = time.perf_counter()
        items = [audio_files.decode(data) for data in encoded]
        times = [time.perf_counter() - began]
        for measure in (AudioStatistics(), AudioMarks(), AudioSpectrum()):
            began = time.perf_counter()
            measure.measure(items)
            times.append(time.perf_counter() - began)
        cells = [f"{seconds / len(group) * 1000:.2f}" for seconds in times]
        print(f"  {title:<28}{cells[0]:>8}{cells[1]:>12}{cells[2]:>8}{cells[3]:>10}")


def series_tables(data: Path, options: argparse.Namespace) -> None:
    """Sets of series, and long series cut into stretches."""
    for name in SERIES:
        path = data / "timeseries_classification" / f"{name}.npz"
        if not path.is_file():
            print(f"{name}: skipped, no {path}")
            continue
        arrays = np.load(path)
        items = list(np.concatenate([arrays["X_train"], arrays["X_test"]]).astype(np.float32))
        labels = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(str).tolist()
        _series_table(name, items, labels, options)
        if name == "BasicMotions":  # whose classes differ most
            _series_table(f"{name}, labels unknown", items, None, options)


def _series_table(name: str, items: list[np.ndarray], labels: list[str] | None, options: argparse.Namespace) -> None:
    def make(changed: dict[int, Callable]) -> Evidence:
        found = [(changed[i](item) if i in changed else item).tolist() for i, item in enumerate(items)]
        if labels is None:
            return evidence_of({"series": found}, series="series")
        return evidence_of({"series": found, "label": labels}, series="series", label="label")

    planted_table(name, SeriesQuality(), dict(faults.SERIES_FAULTS), make, len(items), options)
    odd = len(flagged(SeriesAnomalies(), make({})).get("window_anomaly", ()))
    print(f"  series_anomalies on the untouched set: {odd} of {len(items)} ({odd / len(items):.2%})")
    from curate.evidence.measures.series_marks import SeriesMarks

    began = time.perf_counter()
    SeriesMarks().measure(items)
    print(f"  series.marks: {(time.perf_counter() - began) / len(items) * 1000:.2f} ms per series")


def anomaly_tables(data: Path) -> None:
    """Long series with labelled windows: the check and its peers."""
    folder = data / "nab_anomaly"
    if not (folder / "labels.json").is_file():
        print(f"anomalies: skipped, no {folder}")
        return
    labels = json.loads((folder / "labels.json").read_text())
    print("\nAnomalies of long series: windows found, precision of flagged stretches, share of points flagged outside")
    print(f"  {'file':<42}{'method':<34}{'found':>7}{'precision':>11}{'outside':>9}{'AUROC':>7}{'seconds':>9}")
    totals: dict[str, list[int]] = {}
    for file, truth in labels.items():
        values, inside, windows = _labelled(folder / file, truth["windows"])
        for method, judge in _methods(folder / file, len(windows)).items():
            began = time.perf_counter()
            score, odd = judge(values)
            seconds = time.perf_counter() - began
            found = sum(odd[a : b + 1].any() for a, b in windows)
            stretches = _stretches(odd)
            right = sum(inside[a:b].any() for a, b in stretches)
            total = totals.setdefault(method, [0, 0, 0, 0])
            for place, value in enumerate((found, len(windows), right, len(stretches))):
                total[place] += value
            cells = f"{found:>3} of {len(windows)}{_ratio(right, len(stretches)):>10}{odd[~inside].mean():>9.2%}"
            auroc = f"{_auroc(inside, score):>7.3f}" if len(windows) else f"{'':>7}"
            print(f"  {file:<42}{method:<34}{cells}{auroc}{seconds:>9.2f}")
    for method, (found, windows, right, stretches) in totals.items():
        print(f"  {'all':<42}{method:<34}{found:>3} of {windows}{_ratio(right, stretches):>10}")


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def _labelled(path: Path, windows: list) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    import pandas as pd

    rows = pd.read_csv(path, parse_dates=["timestamp"])
    places = []
    inside = np.zeros(len(rows), dtype=bool)
    for begin, end in windows:
        own = ((rows.timestamp >= pd.Timestamp(begin)) & (rows.timestamp <= pd.Timestamp(end))).to_numpy()
        inside |= own
        places.append((int(np.flatnonzero(own)[0]), int(np.flatnonzero(own)[-1])))
    return rows.value.to_numpy(np.float64), inside, places


def _stretches(odd: np.ndarray, apart: int = 24) -> list[tuple[int, int]]:
    """Runs of flagged points, those less than `apart` points from each other as one."""
    places = np.flatnonzero(odd)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > apart)
    firsts, lasts = np.append(0, breaks + 1), np.append(breaks, len(places) - 1)
    return [(int(places[a]), int(places[b]) + 1) for a, b in zip(firsts, lasts)]


def _auroc(inside: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(inside, score))


def _methods(path: Path, windows: int) -> dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """Method -> function of the values that gives a score per point and flags."""

    def ours(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        evidence = Evidence(curate.load(path), EvidenceSettings(workers=1))
        table = SeriesAnomalies().find(evidence).table
        score, odd = np.zeros(len(values)), np.zeros(len(values), dtype=bool)
        rows = table["row"].to_numpy()
        np.maximum.at(score, rows, 1.0 - table["score"].to_numpy())
        odd[rows[table["is_issue"].to_numpy()]] = True
        return score, odd

    def z_score(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        score = np.abs(values - values.mean()) / values.std()
        return score, score > 3

    def robust_z(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        middle = np.median(values)
        score = np.abs(values - middle) / (1.4826 * np.median(np.abs(values - middle)))
        return score, score > 3.5

    return {
        "curate series_anomalies": ours,
        "z-score > 3": z_score,
        "robust z-score > 3.5": robust_z,
        "IsolationForest, windows of 48": _by_windows("iforest"),
        "PyOD KNN, windows of 48": _by_windows("knn"),
    }


def _by_windows(kind: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A detector on windows of 48 points, which flags the oddest 2 % of them."""

    def judge(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cut = np.lib.stride_tricks.sliding_window_view((values - np.median(values)) / values.std(), 48)[::6]
        if kind == "iforest":
            from sklearn.ensemble import IsolationForest

            odd = -IsolationForest(random_state=0).fit(cut).score_samples(cut)
        else:
            from pyod.models.knn import KNN

            odd = KNN(n_neighbors=10, contamination=0.02).fit(cut).decision_scores_
        score = np.full(len(values), odd.min())
        for start, value in zip(range(0, len(values), 6), odd):
            score[start : start + 48] = np.maximum(score[start : start + 48], value)
        return score, score > np.quantile(odd, 0.98)

    return judge


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--planted", type=int, default=60, help="rows in which each issue is planted, at most a tenth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["audio", "series", "anomalies"])
    options = parser.parse_args()
    if options.only in (None, "audio"):
        audio_tables(options.data, options)
    if options.only in (None, "series"):
        series_tables(options.data, options)
    if options.only in (None, "anomalies"):
        anomaly_tables(options.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
