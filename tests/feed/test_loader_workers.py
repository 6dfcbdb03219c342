"""Workers of the loader: threads and processes give the same batches; a row that ends its worker is left out."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError, DataError
from curate.feed import make_loader
from curate.feed.inputs.image import Images
from curate.media.image import encode_png

NAMES = ("cat", "dog")
DEADLY = (0, 0, 255)
KINDS = [
    {},
    {"num_workers": 1, "workers": "threads"},
    {"num_workers": 3, "workers": "threads", "prefetch_factor": 1},
    {"num_workers": 2},
]


def images(n=16, marked=()):
    """Images of one colour each, the number of the row in red; those marked are blue all over."""
    cells = []
    for i in range(n):
        colour = DEADLY if i in marked else (i, 10, 0)
        cells.append({"bytes": encode_png(np.full((6, 6, 3), colour, np.uint8)), "path": None})
    return table(
        {"image": cells, "label": [NAMES[i % 2] for i in range(n)]},
        kind="classification",
        image="image",
        label="label",
        label_names=NAMES,
    )


def made(of, n=16, recipe=None, **options):
    options = {"batch_size": 4, "sampler": "sequential", "image_size": 6} | options
    return make_loader(of, plan(of, labels=[NAMES[i % 2] for i in range(n)], recipe=recipe), **options)


def fatal(monkeypatch, what):
    """Reading a marked image does that."""
    plain = Images.read

    def read(self, value):
        item = plain(self, value)
        if tuple(item[0, 0]) == DEADLY:
            what()
        return item

    monkeypatch.setattr(Images, "read", read)


def ids(batches):
    return [batch["row_id"] for batch in batches]


def same(ones, others):
    assert len(ones) == len(others)
    for one, other in zip(ones, others):
        assert list(one) == list(other)
        for key, value in one.items():
            if isinstance(value, torch.Tensor):
                torch.testing.assert_close(value, other[key], rtol=0, atol=0, equal_nan=True)
            else:
                assert value == other[key]


@pytest.mark.parametrize("options", KINDS[1:], ids=lambda o: f"{o['num_workers']}-{o.get('workers')}")
@pytest.mark.parametrize("persistent", [False, True])
def test_threads_and_processes_give_the_same_batches(options, persistent):
    recipe = '[{"step": "augment", "image": [{"RandomBrightnessContrast": {"p": 1.0}}]}]'
    of = images()
    plain = made(of, recipe=recipe, sampler="shuffled")
    other = made(of, recipe=recipe, sampler="shuffled", persistent_workers=persistent, **options)
    for _ in range(2):
        same(list(other), list(plain))
    other.close()


@pytest.mark.parametrize("options", KINDS[1:], ids=lambda o: f"{o['num_workers']}-{o.get('workers')}")
def test_a_loader_that_is_left_early_leaves_no_worker_behind(options):
    before = threading.active_count()
    loader = made(images(), **options)
    batches = iter(loader)
    next(batches)
    batches.close()
    assert threading.active_count() == before
    kept = made(images(), persistent_workers=True, **options)
    assert len(list(kept)) == len(list(kept)) == 4
    del kept
    gc.collect()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by signal 9 (SIGKILL"),
        (lambda: os._exit(3), "ended with exit code 3"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_row_that_kills_its_worker_is_left_out_and_the_others_stay(monkeypatch, what, says, workers):
    fatal(monkeypatch, what)
    of = images(marked=(5,))
    loader = made(of, num_workers=workers)
    found = list(loader)
    assert ids(found) == [[f"r{i}" for i in range(start, start + 4) if i != 5] for start in range(0, 16, 4)]
    assert list(loader.skipped) == ["r5"]
    assert says in loader.skipped["r5"]
    # The other rows are as they would have been.
    red = np.concatenate([batch["pixel_values"][:, 0, 0, 0].numpy() for batch in found])
    np.testing.assert_allclose(red * 255, [i for i in range(16) if i != 5], atol=1e-4)


def test_two_rows_of_one_batch_kill_their_worker(monkeypatch):
    fatal(monkeypatch, lambda: os._exit(0))
    loader = made(images(marked=(1, 2, 14)), num_workers=2)
    assert [len(batch) for batch in ids(loader)] == [2, 4, 4, 3]
    assert set(loader.skipped) == {"r1", "r2", "r14"}


def test_a_row_that_hangs_is_given_up(monkeypatch):
    fatal(monkeypatch, threading.Event().wait)
    loader = made(images(marked=(6,)), num_workers=1, row_seconds=0.4)
    assert [len(batch) for batch in ids(loader)] == [4, 3, 4, 4]
    assert loader.skipped == {"r6": "reading it took longer than 0.4 seconds (row_seconds)"}


@pytest.mark.parametrize(("detail", "said"), [(["for 20 GB"], " (for 20 GB)"), ([], "")])
def test_a_row_for_which_memory_is_short(detail, said, monkeypatch):
    def short():
        raise MemoryError(*detail)

    fatal(monkeypatch, short)
    loader = made(images(marked=(6,)))
    assert [len(batch) for batch in ids(loader)] == [4, 3, 4, 4]
    assert loader.skipped == {"r6": f"there is not enough memory for it{said}"}


@pytest.mark.parametrize("options", KINDS, ids=lambda o: f"{o.get('num_workers', 0)}-{o.get('workers')}")
def test_a_row_that_can_t_be_read_is_replaced_by_one_of_its_class(monkeypatch, options):
    def damaged():
        raise DataError("it is blue")

    fatal(monkeypatch, damaged)
    of = images(marked=(3, 9, 10))
    loader, again = (made(of, on_error="replace", **options) for _ in range(2))
    found = list(loader)
    assert [len(batch) for batch in ids(found)] == [4] * 4
    assert set(loader.skipped) == set(loader.replaced) == {"r3", "r9", "r10"}
    places = [row_id for batch in ids(found) for row_id in batch]
    for gone, instead in loader.replaced.items():
        number = int(gone[1:])
        assert places[number] == instead
        assert int(instead[1:]) % 2 == number % 2
        assert instead not in loader.skipped
    labels = torch.cat([batch["labels"] for batch in found])
    assert labels.tolist() == [0, 1] * 8
    same(list(again), found)


def test_a_row_that_kills_its_worker_is_replaced_alike_for_any_number_of_workers(monkeypatch):
    fatal(monkeypatch, lambda: os._exit(1))
    of = images(marked=(3, 4))
    one, two = (list(made(of, on_error="replace", num_workers=n)) for n in (1, 2))
    same(one, two)
    assert [len(batch) for batch in ids(one)] == [4] * 4


def test_on_error_raise_names_the_row_that_killed_its_worker(monkeypatch):
    fatal(monkeypatch, lambda: os._exit(1))
    with pytest.raises(DataError, match="row r3 can't be read: its worker process ended with exit code 1"):
        list(made(images(marked=(3,)), num_workers=1, on_error="raise"))


def test_a_partner_that_kills_the_worker_leaves_the_row_unmixed(monkeypatch):
    fatal(monkeypatch, lambda: os._exit(1))
    of = images(marked=(2,))
    mix = '[{"step": "mix", "mixup_alpha": 1.0, "probability": 1.0}]'
    loader = made(of, recipe=mix, num_workers=1)
    found = list(loader)
    assert sum(len(batch) for batch in ids(found)) == 15
    assert set(loader.skipped) == {"r2"}
    assert sum(int((batch["share"] < 1).sum()) for batch in found) > 5


def test_an_end_that_no_row_is_to_blame_for_is_an_error(monkeypatch):
    def dies(batch):
        if len(batch["row_id"]) > 1:
            os._exit(9)
        return batch

    with pytest.raises(DataError, match="3 worker processes ended over one batch of 4 rows"):
        list(made(images(), num_workers=1, transform=dies))


def test_an_error_of_the_users_own_code_keeps_its_kind_and_place():
    def wrong(batch):
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing") as caught:
        list(made(images(), num_workers=1, transform=wrong))
    assert any("in a worker process" in note and "in wrong" in note for note in caught.value.__notes__)


def test_a_batch_that_can_t_be_sent_is_an_error():
    with pytest.raises(TypeError, match="can't be sent"):
        list(made(images(), num_workers=1, transform=lambda batch: batch | {"lock": threading.Lock()}))


def test_batches_are_handed_out_in_order_though_one_takes_longer():
    def slow(batch):
        if batch["row_id"][0] == "r0":
            gate.wait(5)
        else:
            made_first.append(batch["row_id"][0])
            if len(made_first) == 2:
                gate.set()
        return batch

    gate, made_first = threading.Event(), []
    found = ids(made(images(), num_workers=2, workers="threads", transform=slow))
    assert [batch[0] for batch in found] == ["r0", "r4", "r8", "r12"]
    assert made_first[0] == "r4"  # the turn of the other worker
    assert "r8" not in made_first[:2]  # that of the one that waits; it is taken over when nothing else is left


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"workers": "fibres"}, "workers must be"),
        ({"row_seconds": 3}, "row_seconds is for worker processes"),
        ({"row_seconds": 0, "num_workers": 1}, "row_seconds must be greater than 0"),
        ({"row_seconds": 1, "num_workers": 1, "workers": "threads"}, "row_seconds is for worker processes"),
        ({"prefetch_factor": 0, "num_workers": 1}, "prefetch_factor must be at least 1"),
        ({"on_error": "ignore"}, "on_error must be"),
    ],
)
def test_options_that_make_no_sense(options, says):
    with pytest.raises(ConfigError, match=says):
        made(images(), **options)


def test_a_row_that_ends_its_worker_after_it_was_read_is_found(monkeypatch):
    def dies(batch):
        if "r6" in batch["row_id"]:
            os._exit(9)
        return batch

    loader = made(images(), num_workers=1, transform=dies)
    assert [len(batch) for batch in ids(loader)] == [4, 3, 4, 4]
    assert list(loader.skipped) == ["r6"]


def test_workers_that_never_read_a_row_are_an_error(monkeypatch):
    with pytest.raises(DataError, match="3 worker processes ended over one batch"):
        list(made(images(), num_workers=1, transform=lambda batch: os._exit(2)))


@pytest.mark.parametrize(
    "options", ["num_workers=2", "num_workers=2, persistent_workers=True", "num_workers=2, workers='threads'"]
)
def test_a_program_that_ends_in_mid_epoch_ends(options, tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_loader_workers import images, made
loader = made(images(64), n=64, {options})
batches = iter(loader)
print(next(batches)["row_id"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['r0', 'r1', 'r2', 'r3']"
    assert "Traceback" not in done.stderr
