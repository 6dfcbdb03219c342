"""The result: saved and opened without loss, moved, damaged, explained, and never half-written."""

import errno
import json
import os
import pickle
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curate
from curate.cli import invoke
from curate.errors import ConfigError, DataError, StorageError
from curate.ledger import Decisions, sentences
from curate.pipeline import files, store
from curate.pipeline.explaining import soft_label_in_words

STEPS = [
    "unreadable",
    {"exact_duplicates": {"fix": "drop"}},
    {"label_errors": {"fix": {"relabel": {"min_confidence": 0.98}, "otherwise": "soften"}}},
    {"outliers": {"fix": "review"}},
    {"scale": {"method": "min_max"}},
    {"class_weights": {"method": "inverse"}},
    "oversample",
    {"smooth_labels": {"epsilon": 0.1}},
    {"augment": {"features": ["jitter"]}},
]


@pytest.fixture
def table(make_table):
    """Copies (r57 to r59), wrong labels (r00, r03, r12, r15), an odd row (r10), a test split, an origin."""
    labels = ["abc"[row % 3] for row in range(60)]
    labels[0] = labels[3] = labels[12] = labels[15] = "b"
    known = 0.01 + 0.97 * np.eye(3)[np.arange(60) % 3]
    known[3] = [0.85, 0.13, 0.02]
    x = [np.asarray(v, np.float32) for v in make_table().column("x").to_pylist()]
    x[47:50] = x[5:8]
    x[10] = np.full(6, 9, np.float32) * [-1, 1, 1, -1, 1, 1]
    return make_table(
        x=x,
        label=labels,
        known=known.tolist(),
        part=["train"] * 50 + ["test"] * 10,
        weight=list(range(60)),
        roles={"split": "part", "probabilities": "known"},
    )


@pytest.fixture
def saved(table, tmp_path):
    pipeline = curate.Pipeline(STEPS, feed={"batch_size": 8}, seed=3)
    return pipeline.run(table, tmp_path / "out", cache=False)


def media_set(folder, rows=9):
    from PIL import Image

    for row in range(rows):
        path = folder / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return folder


def pixels(curated):
    return [batch["pixel_values"].sum().item() for batch in curated.loader(sampler="sequential")]


# Saved and opened again.


def test_everything_survives_the_folder(saved, table, tmp_path):
    opened = curate.open(tmp_path / "out")
    memory = curate.Pipeline(STEPS, feed={"batch_size": 8}, seed=3).run(table, cache=False)
    for one in (saved, memory):
        for name in ("plan", "ledger", "findings"):
            assert getattr(opened, name).equals(getattr(one, name)), name
            assert getattr(opened, name).schema.equals(getattr(one, name).schema), name
        np.testing.assert_array_equal(opened.class_weights, one.class_weights)
        assert opened.class_weights.dtype == np.float32
        assert opened.label_names == one.label_names == ["a", "b", "c"]
        assert opened.dataset.to_list() == one.dataset.to_list()
        assert opened.dataset.features == one.dataset.features
        assert opened.changes.equals(one.changes)
        assert list(opened.accounts) == list(one.accounts)
        assert opened.notes == one.notes
        assert opened.pipeline == one.pipeline
        assert opened.findings_.facts == json.loads(json.dumps(one.findings_.facts))
        assert opened.table.task == one.table.task
        assert (opened.table.row_ids == one.table.row_ids).all()
        assert (opened.table.content == one.table.content).all()
        assert (opened.table.splits == one.table.splits).all()
        assert opened.report.summary == one.report.summary
        for row_id in ("r00", "r03", "r10", "r20", "r47", "r55"):
            assert opened.explain(row_id) == one.explain(row_id)
    assert opened.folder == tmp_path / "out"
    assert batches_equal(opened.loader(), memory.loader())


def batches_equal(one, other):
    import torch

    pairs = list(zip(one, other, strict=True))
    return len(pairs) > 5 and all(
        torch.equal(a[name], b[name]) if isinstance(a[name], torch.Tensor) else a[name] == b[name]
        for a, b in pairs
        for name in a
    )


def test_an_opened_result_can_be_saved_again(saved, tmp_path):
    more = curate.open(tmp_path / "out").save(tmp_path / "more")
    opened = curate.open(tmp_path / "more")
    assert more.folder == tmp_path / "more"
    for name in ("plan", "ledger", "findings", "changes"):
        assert getattr(opened, name).equals(getattr(saved, name)), name
    assert opened.dataset.to_list() == saved.dataset.to_list()


def test_the_manifest_says_what_is_there(saved, tmp_path):
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["files"]) | {"manifest.json"} == {path.name for path in (tmp_path / "out").iterdir()}
    assert manifest["rows"] == 60
    assert manifest["seed"] == 3


def test_the_saved_pipeline_runs_again_to_the_same_plan(saved, table, tmp_path):
    again = curate.Pipeline.from_yaml(tmp_path / "out" / "pipeline.yaml").run(table, cache=False)
    assert again.plan.equals(saved.plan)


def test_the_dataset_has_the_kept_rows_once_with_curated_labels(saved, table):
    kept = saved.dataset
    assert kept["row_id"] == [f"r{row:02d}" for row in range(60) if row not in (47, 48, 49)]
    assert kept[0]["label"] == "a"
    assert table.column("label").to_pylist()[0] == "b"
    assert sum(kept[1]["soft_label"]) == pytest.approx(1)
    assert kept["weight"] == [row for row in range(60) if row not in (47, 48, 49)]
    assert set(kept["curated_weight"]) == {1.0}
    import datasets

    assert isinstance(kept, datasets.Dataset)


# Explained.


@pytest.mark.parametrize(
    ("row_id", "words"),
    [
        ("r00", ["given label 'b'", "found by label_errors", "relabelled from 'b' to 'a'", "soft label: a 0.9"]),
        ("r03", ["given label 'b'", "given the soft label", "outcome: kept", "soft label:"]),
        ("r10", ["found by outliers", "set aside for review", "outcome: kept"]),
        ("r20", ["no check flagged it", "changed by scale", "outcome: kept"]),
        ("r47", ["found by exact_duplicates", "dropped: has the same content as row r05", "it is in no batch"]),
        ("r55", ["split test", "no check flagged it", "outcome: kept, label 'b', weight 1"]),
    ],
)  # fmt: skip
def test_every_kind_of_row_is_explained(saved, row_id, words):
    text = saved.explain(row_id)
    for word in words:
        assert word in text, text
    if row_id == "r55":
        assert "class weight" not in text
        assert "soft label" not in text


def test_a_repeated_row_says_how_often_it_is_drawn(make_table):
    curated = curate.Pipeline(["oversample"]).run(make_table([0] * 30 + [1] * 10), cache=False)
    text = curated.explain("r35")
    assert "drawn 2 more times" in text
    assert "drawn 3 times per epoch" in text


def test_a_soft_label_says_how_much_of_it_is_not_shown(make_table):
    table = make_table([0] * 80, label=[f"c{k % 8}" for k in range(80)])
    curated = curate.Pipeline([{"smooth_labels": {"epsilon": 0.4}}]).run(table, cache=False)
    said = curated.explain(str(table.row_ids[0])).splitlines()
    assert "soft label: c0 0.65, c1 0.05, c2 0.05, c3 0.05, c4 0.05; 0.15 over 3 other classes" in said


@pytest.mark.parametrize(
    ("soft", "shares", "said"),
    [
        ([0.5, 0.5, 0, 0], True, "a 0.50, b 0.50"),
        ([0.975, 0.025], True, "a 0.975, b 0.025"),
        ([0.9, 0.02, 0.02, 0.02, 0.02, 0.02], True, "a 0.90, b 0.02, c 0.02, d 0.02, e 0.02; 0.02 over 1 other class"),
        ([0.9, 0.1, 0.8, 0.1, 0.1, 0.05, 0], False, "a 0.90, c 0.80, b 0.10, d 0.10, e 0.10; at most 0.05 for 2 other"),
    ],
)  # fmt: skip
def test_soft_labels_in_words(soft, shares, said):
    assert soft_label_in_words("abcdefg"[: len(soft)], soft, shares=shares).removesuffix(" classes") == said


def test_a_decision_says_where_the_rest_of_a_soft_label_goes():
    softened = Decisions.of("s", "soften", ["r0", "r1"], "why", after=['{"a": 0.7}', '{"a": 0.6, "b": 0.4}'])
    first, second = sentences(softened.table)
    assert "given the soft label a 0.70, 0.3 evenly over the other classes: why" in first
    assert "given the soft label a 0.60, b 0.40: why" in second


@pytest.mark.parametrize("option", ["label_names", "table", "plan"])
def test_the_loader_of_a_result_has_its_rows_and_classes(saved, option):
    with pytest.raises(ConfigError, match=f"loader: {option} can't be chosen: rows, draws and classes are those of"):
        saved.loader(**{option: ["a", "b"]})


def test_an_unknown_row(saved, tmp_path, capsys):
    with pytest.raises(DataError, match="no row has the id 'nobody'"):
        saved.explain("nobody")
    assert invoke(["explain", str(tmp_path / "out"), "r00", "nobody"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "'nobody'" in err
    assert "#17" in err


# Damaged, foreign, moved.


@pytest.mark.parametrize("name", ["plan", "ledger", "findings", "rows", "problems", "changes", "table"])
def test_a_damaged_file_is_named(saved, tmp_path, name):
    [path] = (tmp_path / "out").glob(f"{name}.*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=path.name):
        curate.open(tmp_path / "out")
    path.unlink()
    with pytest.raises(DataError, match=f"{path.name}' is missing"):
        curate.open(tmp_path / "out")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": 1}', '{"format": 99, "curate": "9", "files": {}}'])
def test_a_damaged_manifest(saved, tmp_path, text):
    (tmp_path / "out" / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json|format 99"):
        curate.open(tmp_path / "out")


def test_a_manifest_never_leads_out_of_its_folder(saved, tmp_path):
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    (tmp_path / "secret").write_text("x")
    manifest["files"]["../secret"] = files.sha256(tmp_path / "secret")
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="secret"):
        curate.open(tmp_path / "out")


@pytest.mark.parametrize("name", [None, "precious.txt", "manifest.json"])
def test_a_foreign_folder_is_neither_opened_nor_replaced(table, tmp_path, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    if name is None:
        with pytest.raises(DataError, match=r"no manifest\.json"):
            curate.open(folder)
        return
    (folder / name).write_text('{"name": "my web app"}')
    with pytest.raises(DataError, match="not a curated folder"):
        curate.open(folder)
    with pytest.raises(ConfigError, match="not made by curate"):
        curate.Pipeline([]).run(table, folder, cache=False)
    assert [path.name for path in folder.iterdir()] == [name]


def test_there_is_no_such_folder(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        curate.open(tmp_path / "nowhere")


def test_moved_together_with_its_media(tmp_path):
    media_set(tmp_path / "here" / "set")
    first = curate.Pipeline([]).run(str(tmp_path / "here" / "set"), tmp_path / "here" / "out", cache=False)
    wanted = pixels(first)
    (tmp_path / "here").rename(tmp_path / "there")
    opened = curate.open(tmp_path / "there" / "out")
    assert opened.table.root == (tmp_path / "there" / "set").resolve()
    assert pixels(opened) == wanted


def test_moved_alone_it_finds_its_media_where_they_were(tmp_path):
    media_set(tmp_path / "deep" / "here" / "set")
    out = tmp_path / "deep" / "here" / "set" / "results" / "out"
    first = curate.Pipeline([]).run(str(tmp_path / "deep" / "here" / "set"), out, cache=False)
    wanted = pixels(first)
    (tmp_path / "other" / "results").mkdir(parents=True)
    out.rename(tmp_path / "other" / "results" / "out")
    opened = curate.open(tmp_path / "other" / "results" / "out")
    assert pixels(opened) == wanted


def test_opened_from_another_working_folder(tmp_path, monkeypatch):
    media_set(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    wanted = pixels(curate.Pipeline([]).run("set", "out", cache=False))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pixels(curate.open("../out")) == wanted


def test_a_link_as_out_stays_a_link(table, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):
        curate.Pipeline([]).run(table, tmp_path / "link", cache=False)
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert len(curate.open(tmp_path / "real").table) == 60


# Where it can't be written.


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_an_existing_file_as_out(table, tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(ConfigError, match="out is a file"):
        curate.Pipeline([]).run(table, tmp_path / "out", cache=False)
    assert (tmp_path / "out").read_text() == "precious"


def test_a_folder_that_may_not_be_written(table, tmp_path, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"out: can't be written: Permission denied"):
        curate.Pipeline([]).run(table, tmp_path / "shelf" / "out", cache=False)
    assert not list(tmp_path.iterdir())


def full_disk(monkeypatch, after):
    """Make the n-th file that is synced to disk fail as on a full disk."""
    sync, left = os.fsync, [after]

    def fail(handle):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("after", [0, 3, 6])
def test_a_full_disk_leaves_nothing_half_written(table, tmp_path, monkeypatch, capsys, after):
    monkeypatch.chdir(tmp_path)
    pq.write_table(table.dataset.select_columns(["x", "label", "key"]).with_format("arrow")[:], "d.parquet")
    Path("p.yaml").write_text(
        "curate: 1\nsource: {path: d.parquet}\ntask: {features: x, label: label, id: key}\nsteps: [exact_duplicates]\n"
    )
    assert invoke(["run", "p.yaml", "--no-cache"]) == 0
    before = (tmp_path / "curated" / "manifest.json").read_bytes()
    full_disk(monkeypatch, after)
    capsys.readouterr()
    assert invoke(["run", "p.yaml", "--no-cache"]) == 4
    _, err = capsys.readouterr()
    assert "the disk is full" in err
    assert len(err.strip().splitlines()) == 1
    assert invoke(["run", "p.yaml", "--no-cache", "--out", "new"]) == 4
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "curated" / "manifest.json").read_bytes() == before
    assert not leftovers(tmp_path)


def test_a_truly_full_disk(table, tmp_path):
    """A file system of 40 KB, where root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(disk)], capture_output=True)
    if not made or made.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        with pytest.raises(StorageError, match=r"the disk is full|No space left"):
            curate.Pipeline(STEPS).run(table, disk / "out", cache=False)
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_result_that_is_replaced_after_it_was_opened_stays_what_it_was(tmp_path):
    """Its rows are mapped when it is opened; findings, and rows in other processes, are refused where they differ."""

    def run(word):
        rows = {"text": [f"{word} {i}" for i in range(12)], "label": ["a", "b"] * 6}
        table = curate.load(rows, task=curate.Task(text="text", label="label"))
        return curate.Pipeline([curate.steps.ExactDuplicates()]).run(table, tmp_path / "out", cache=False)

    first = run("old")
    opened = curate.open(tmp_path / "out")
    untouched = curate.open(tmp_path / "out")
    sent = pickle.dumps(opened.loader(batch_size=4).dataset.rows)
    run("new")
    for result in (first, opened, untouched):
        assert {text.split()[0] for batch in result.loader(batch_size=4) for text in batch["text"]} == {"old"}
        assert result.table.dataset[0]["text"] == "old 0"
    with pytest.raises(DataError, match="replaced since it was opened; open it again"):
        len(opened.findings)
    with pytest.raises(DataError, match="replaced since it was opened; open it again"):
        len(pickle.loads(sent))  # noqa: S301 (our own)


def test_a_result_that_is_replaced_while_it_is_opened_is_the_new_one(table, tmp_path, monkeypatch):
    curate.Pipeline(STEPS).run(table, tmp_path / "out", cache=False)
    new = curate.Pipeline([]).run(table, tmp_path / "new", cache=False)
    verify = store._verify

    def replaced(*given):
        verify(*given)
        if (tmp_path / "new").exists():
            shutil.rmtree(tmp_path / "out")
            (tmp_path / "new").rename(tmp_path / "out")

    monkeypatch.setattr(store, "_verify", replaced)
    opened = curate.open(tmp_path / "out")
    assert opened.plan.equals(new.plan)
    assert (opened.pipeline, opened.accounts) == (new.pipeline, new.accounts)


def test_a_file_that_may_not_be_read_is_said(saved, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(store, "sha256", denied)
    with pytest.raises(StorageError, match=r"\w+\.\w+: can't be read: Permission denied"):
        curate.open(saved.folder)


def test_an_old_result_comes_back_when_the_new_one_cannot_take_its_place(saved, table, tmp_path, monkeypatch):
    rename = Path.rename

    def fail(self, target):
        if self.name.endswith(".tmp"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(StorageError, match="can't be written"):
        curate.Pipeline([]).run(table, tmp_path / "out", cache=False)
    assert curate.open(tmp_path / "out").plan.equals(saved.plan)
    assert not leftovers(tmp_path)


def test_what_killed_runs_left_is_cleared_away(table, tmp_path):
    import socket

    ended = subprocess.Popen(["true"])
    ended.wait()
    host = socket.gethostname()
    for name in (f".out.{host}-{ended.pid}.tmp", f".out.{host}-{os.getppid()}.tmp", f".out.other-{ended.pid}.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / f".out.{host}-{ended.pid}.tmp" / "plan.parquet").write_bytes(b"half")
    curate.Pipeline([]).run(table, tmp_path / "out", cache=False)
    assert sorted(leftovers(tmp_path)) == sorted([f".out.{host}-{os.getppid()}.tmp", f".out.other-{ended.pid}.tmp"])


def test_plans_are_arrow_tables(saved):
    for value in (saved.plan, saved.ledger, saved.findings):
        assert isinstance(value, pa.Table)


def test_a_result_is_shown_in_one_line_and_saved_by_name(tmp_path):
    curated = curate.Pipeline(["exact_duplicates"]).run(
        curate.load({"text": ["one", "two", "three"], "label": ["a", "b", "a"]}), cache=None
    )
    assert repr(curated) == "Curated(3 rows, 3 kept, steps=exact_duplicates)"
    saved = curated.save(str(tmp_path / "done"))
    assert saved.folder == tmp_path / "done"
    assert curate.open(tmp_path / "done").explain("#1") == curated.explain(curated.table.row_ids[1])


def test_a_row_without_a_line_of_its_own_is_told_by_its_media_file(tmp_path):
    cv2 = pytest.importorskip("cv2")
    for row in range(3):
        cv2.imwrite(str(tmp_path / f"{row}.png"), np.full((8, 8), row, np.uint8))
    columns = {"image": [f"{row}.png" for row in range(3)], "label": ["a", "b", "a"]}
    curated = curate.Pipeline([]).run(curate.load(columns, root=tmp_path), cache=False)
    assert curated.explain("#1").splitlines()[0].endswith("(number 1, split train) from 1.png, given label 'b'")
