"""Near pairs are looked for where their prints lie: pairs come back, and prints are read by no other process."""

import dataclasses
import pickle

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from fake_ray import FakeRay
from PIL import Image
from test_estimates_elsewhere import films, in_parts
from test_parts import Weighing

import curate
from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.evidence.evidence import Evidence
from curate.evidence.pairs import Pairs, _films, _nearest, _overlap, audio, video
from curate.evidence.pairs._overlap import TextPairs
from curate.evidence.parts import lying
from curate.evidence.parts.left import PlacedRows
from curate.evidence.parts.rows import PartedRows
from curate.evidence.settings import EvidenceSettings
from curate.stored import Stored

TEXTS = 400


def writings(rows=TEXTS):
    """Texts of which every tenth is nearly the one before it, and one is empty."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number:04}" for number in range(3_000)])
    texts = [" ".join(rng.choice(words, 12 if row % 3 else 60)) for row in range(rows)]
    texts[1::10] = [f"{text} indeed" for text in texts[0::10]]
    texts[7] = ""
    return curate.load({"text": texts}, task=curate.Task(text="text"))


def pictures(folder, rows=90):
    """Pictures of which every third is the one before it with another compression."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for row in range(rows):
        if row % 3 != 2:
            pixels = np.clip(rng.normal(128, 60, (8, 8, 3)).repeat(8, 0).repeat(8, 1), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{row:03}.{'jpg' if row % 3 == 2 else 'png'}")
    return curate.load(str(folder), task=curate.Task(image="image"))


def recordings(folder, rows=60):
    """Noise in bursts, every third recording the one before it, softer."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for row in range(rows):
        if row % 3 != 2:
            loud = rng.random(20).repeat(800)
            samples = (loud * rng.normal(0, 0.2, 16_000)).clip(-1, 1)
        soundfile.write(folder / f"{row:03}.wav", samples * (0.6 if row % 3 == 2 else 1), 16_000)
    return curate.load(str(folder), task=curate.Task(audio="audio"))


def pairs_of(table, cache=None, **settings):
    evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=cache)
    return evidence.near_pairs(**settings), evidence


def there(table, cache, ray, **settings):
    with using(RayEngine(ray)):
        return pairs_of(table, cache, **settings)


def same(found, expected):
    assert len(expected) > 10
    for name in ("left", "right", "similarity", "threshold"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


class Watching(Weighing):
    """Notes how many bytes of rows that lie somewhere are read, by tasks and here."""

    def __init__(self, monkeypatch, kind=PartedRows, **options):
        super().__init__(**options)
        taken, self.kind, self.read, self.read_here = kind.taken, kind, 0, 0

        def counted(rows, places):
            found = taken(rows, places)
            self.read += found.nbytes
            self.read_here += 0 if self.at_work else found.nbytes
            return found

        monkeypatch.setattr(kind, "taken", counted)
        monkeypatch.setattr(lying, "PIECE_BYTES", 1 << 11)


def test_texts(tmp_path, monkeypatch):
    table = writings()
    expected, _ = pairs_of(table)
    ray = Watching(monkeypatch, cpus=3)
    found, evidence = there(table, tmp_path, ray)
    same(found, expected)
    assert ray.read > 3 * 128 * TEXTS
    assert not ray.read_here
    assert max(ray.back) < 40 * TEXTS < 2 * 128 * TEXTS
    assert max(ray.sent) < 60 * TEXTS
    assert not evidence.notes


class Posting(FakeRay):
    """Notes the bytes of pairs of texts that travel; other machines see files below another name if `renamed`."""

    def __init__(self, renamed=False):
        super().__init__(moved=self.posted)
        self.renamed, self.bytes, self.kinds = renamed, [], set()

    def posted(self, value):
        if isinstance(value, TextPairs):
            self.bytes.append(len(pickle.dumps(value)))
            self.kinds.add("file" if value.held is None else "texts")
            if value.in_file is not None and self.renamed:
                stored = Stored(value.in_file.stored.path.with_name("another.arrow"), value.in_file.stored.columns)
                return dataclasses.replace(value, in_file=dataclasses.replace(value.in_file, stored=stored))
        return value


@pytest.mark.parametrize("renamed", [False, True])
def test_texts_of_a_mapped_file_are_read_by_machines_that_have_it(tmp_path, monkeypatch, renamed):
    table, path = writings(), tmp_path / "table.arrow"
    rows = pa.table({"text": table.column("text")})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, rows.schema) as stream:
        stream.write_table(rows)
    monkeypatch.setattr(_overlap, "SENT_PAIRS", 16)
    ray = Posting(renamed)
    found, _ = there(dataclasses.replace(table, dataset=Stored(path)), None, ray)
    same(found, pairs_of(table)[0])
    assert len(ray.bytes) > 2
    assert ray.kinds == ({"file", "texts"} if renamed else {"file"})
    assert (max(ray.bytes) < 1_500) is not renamed  # the texts of a block have some 7,000


def records(rows=600):
    """People, every tenth of whom is the one before with a slip."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, 9)) for _ in range(400)]
    columns = {
        "first": [words[place] for place in rng.integers(0, 50, rows)],
        "last": [words[place] for place in rng.integers(0, 400, rows)],
        "street": [f"{number} {words[number]} street" for number in rng.integers(0, 300, rows)],
        "city": [words[place] for place in rng.integers(0, 100, rows)],
        "year": rng.integers(1930, 2005, rows).tolist(),
    }
    for values in columns.values():
        values[1::10] = values[0::10]
    for slips, name in enumerate(("first", "last", "street", "city")):
        columns[name][1 + 10 * slips :: 40] = [f"{value}x" for value in columns[name][1 + 10 * slips :: 40]]
    return curate.load(columns, task=curate.Task(features=list(columns)))


def test_records(tmp_path, monkeypatch):
    expected, _ = pairs_of(records())
    ray = Watching(monkeypatch, kind=PlacedRows)
    found, _ = there(records(), tmp_path, ray)
    same(found, expected)
    assert ray.read > 128 * 600
    assert not ray.read_here
    assert ray.done >= 2
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("cpus", [1, 100])
def test_any_number_of_machines_finds_the_same(tmp_path, cpus):
    table = writings()
    same(there(table, tmp_path, FakeRay(cpus=cpus))[0], pairs_of(table)[0])


@pytest.mark.parametrize("few", [10, 8_000])
def test_pictures(tmp_path, monkeypatch, few):
    monkeypatch.setattr(_nearest, "EXACT_ROWS", few)
    monkeypatch.setattr(_nearest, "ASKED", 16)
    table = pictures(tmp_path / "pictures")
    expected, _ = pairs_of(table)
    ray = Watching(monkeypatch)
    found, _ = there(table, tmp_path / "cache", ray)
    same(found, expected)
    assert ray.read > 64 * 64 * len(table)
    assert not ray.read_here
    assert max(ray.back) < 64 * 64 * 10
    assert not list((tmp_path / "cache").rglob("*.partial"))


@pytest.mark.parametrize("few", [10, 8_000])
def test_pictures_whose_prints_are_gone(tmp_path, monkeypatch, few):
    monkeypatch.setattr(_nearest, "EXACT_ROWS", few)
    monkeypatch.setattr(_nearest, "ASKED", 16)
    table = pictures(tmp_path / "pictures")
    expected, _ = pairs_of(table)
    with using(RayEngine(FakeRay())):
        evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=tmp_path / "cache")
        evidence.prepare(["image.print"], embedding=False)
        next((tmp_path / "cache").rglob("*.arrow")).unlink()
        same(evidence.near_pairs(), expected)


def test_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "SENT_PAIRS", 8)
    table = recordings(tmp_path / "recordings")
    expected, _ = pairs_of(table)
    ray = Watching(monkeypatch)
    same(there(table, tmp_path / "cache", ray)[0], expected)
    assert ray.read > 64 * 4 * len(table)
    assert not ray.read_here


class Filmed:
    """As much of the evidence as pairs of videos ask for; what is wide lies in parts."""

    store, broken = None, {}

    def __init__(self, films):
        self._films = films

    def measure(self, name):
        return np.full(60, 40, np.float32)

    def rows_of(self, name, rows):
        return {"video.print": self._films.prints, "video.print_seconds": self._films.seconds}[name].chosen(rows)


def test_videos(tmp_path, monkeypatch):
    rows, here = np.arange(60), films()
    left, right = here.candidates()
    similarity = here.similarity(left, right)
    ray, filmed = Watching(monkeypatch), Filmed(in_parts(here, tmp_path))
    monkeypatch.setattr(_films, "SENT_PAIRS", 8)
    with using(RayEngine(ray)):
        found = video.find(filmed, rows, 0.5)
    kept = similarity >= 0.5
    same(found, Pairs.of(left[kept], right[kept], similarity[kept]))
    assert ray.read
    assert not ray.read_here
