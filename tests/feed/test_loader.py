"""The loader: what batches hold, the same ones however they are made, and exact continuation."""

import itertools
import json
import logging
import pickle

import numpy as np
import pytest
import torch
from small_tables import plan, table

import curate
from curate.errors import ConfigError, DataError
from curate.feed import Sampler, make_loader
from curate.feed.draws import Draw
from curate.media.image import encode_png

NAMES = ("cat", "dog", "owl")


def images(n=20, size=(12, 10), damaged=()):
    rng = np.random.default_rng(0)
    cells = []
    for i in range(n):
        data = encode_png(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
        cells.append({"bytes": data[:40] if i in damaged else data, "path": f"{i}.png"})
    return table(
        {"image": cells, "label": [NAMES[i % 3] for i in range(n)]},
        kind="classification",
        image="image",
        label="label",
        label_names=NAMES,
    )


def labels(n=20):
    return [NAMES[i % 3] for i in range(n)]


AUGMENT = json.dumps([{"step": "augment", "image": ["HorizontalFlip", {"RandomBrightnessContrast": {"p": 1.0}}]}])
MIX = json.dumps(
    [
        {"step": "augment", "image": [{"RandomBrightnessContrast": {"p": 1.0}}]},
        {"step": "mix", "mixup_alpha": 1.0, "cutmix_alpha": 1.0, "probability": 0.8},
    ]
)


def same(one, other):
    assert list(one) == list(other)
    for key, value in one.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == other[key].dtype
            torch.testing.assert_close(value, other[key], rtol=0, atol=0, equal_nan=True)
        else:
            assert value == other[key]


def test_a_batch_of_images():
    of = images()
    soft = [None] * 20
    soft[4] = [0.2, 0.5, 0.3]
    given = labels()
    given[5] = None
    drawn = plan(of, given, soft=soft, weight=np.linspace(1, 2, 20))
    [batch] = make_loader(of, drawn, sampler="sequential", batch_size=32)
    assert set(batch) == {"pixel_values", "labels", "soft_labels", "weights", "row_id"}
    assert batch["pixel_values"].dtype == torch.float32
    from curate.media.image import decode

    for place in range(20):
        pixels = decode(of.dataset[place]["image"]["bytes"]).pixels
        expected = torch.from_numpy(pixels).permute(2, 0, 1) / 255
        torch.testing.assert_close(batch["pixel_values"][place], expected)
    assert batch["labels"].tolist() == [-100 if i == 5 else i % 3 for i in range(20)]
    assert batch["labels"].dtype == torch.int64
    torch.testing.assert_close(batch["soft_labels"].sum(1), torch.ones(20).index_fill(0, torch.tensor([5]), 0.0))
    torch.testing.assert_close(batch["soft_labels"][4], torch.tensor([0.2, 0.5, 0.3]))
    assert batch["soft_labels"][7].tolist() == [0, 1, 0]
    np.testing.assert_allclose(batch["weights"], np.linspace(1, 2, 20), rtol=1e-6)
    assert batch["row_id"] == [f"r{i}" for i in range(20)]


def test_normalised_resized_renamed_and_transformed():
    of = images(4)
    mean, std = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
    plain = next(iter(make_loader(of, plan(of, labels(4)), sampler="sequential", image_size=[6, 5])))
    loader = make_loader(
        of, plan(of, labels(4)), sampler="sequential", image_size=[6, 5], mean=mean, std=std,
        inputs={"pixel_values": "x"}, transform=lambda batch: {**batch, "twice": batch["x"] * 2},
    )  # fmt: skip
    batch = next(iter(loader))
    expected = (plain["pixel_values"] - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    assert batch["x"].shape == (4, 3, 6, 5)
    torch.testing.assert_close(batch["x"], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(batch["twice"], batch["x"] * 2)
    assert "pixel_values" not in batch


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
def test_ways_to_fit_an_image(fit):
    pixels = np.full((20, 40, 3), 200, np.uint8)
    pixels[:, :10] = 0
    of = table({"image": [{"bytes": encode_png(pixels), "path": None}]}, kind="unlabeled", image="image")
    [batch] = make_loader(of, plan(of, kind=None), image_size=20, fit=fit)
    found = batch["pixel_values"][0, 0] * 255
    assert found.shape == (20, 20)
    black = {"squash": 5 * 20, "letterbox": 10 * 20 + 10 * 5, "crop": 0}[fit]
    assert int((found < 100).sum()) == black
    assert batch["labels"].tolist() == [-100]


def test_size_that_is_not_asked_for():
    def size_of(of, recipe=None, **options):
        return make_loader(of, plan(of, labels(len(of)), recipe=recipe), **options).inputs[0].size

    assert size_of(images(4)) == (12, 10)
    assert size_of(images(2, (300, 300))) == (224, 224)
    assert size_of(images(2, (300, 300)), image_size="native") is None
    crop = json.dumps([{"step": "augment", "image": [{"RandomCrop": {"height": 8, "width": 8}}]}])
    assert size_of(images(4), crop) == (8, 8)
    assert size_of(images(2, (300, 300)), crop.replace("8", "256")) == (256, 256)
    mixed = images(2)
    cells = mixed.dataset[:]["image"] + images(1, (9, 9)).dataset[:]["image"]
    assert size_of(table({"image": cells}, kind="unlabeled", image="image")) == (224, 224)


def test_held_out_lines_have_the_size_of_training_lines_and_keep_their_order():
    of = images(6)
    crop = json.dumps([{"step": "augment", "image": [{"RandomCrop": {"height": 8, "width": 8}}]}])
    split = ["train"] * 3 + ["validation"] * 3
    drawn = plan(of, labels(6), recipe=[crop] * 3 + [None] * 3, split=split)
    [batch] = make_loader(of, drawn, split="validation")
    assert batch["row_id"] == ["r3", "r4", "r5"]
    assert batch["pixel_values"].shape == (3, 3, 8, 8)
    [batch] = make_loader(of, drawn)
    assert sorted(batch["row_id"]) == ["r0", "r1", "r2"]
    [batch] = make_loader(of, drawn, split=None)
    assert len(batch["row_id"]) == 6


def test_native_sizes_that_differ_are_refused_with_the_rows():
    cells = images(1).dataset[:]["image"] + images(1, (9, 9)).dataset[:]["image"]
    of = table({"image": cells}, kind="unlabeled", image="image")
    with pytest.raises(ConfigError, match="r0 and r1"):
        list(make_loader(of, plan(of, kind=None), sampler="sequential", image_size="native"))


@pytest.mark.parametrize("recipe", [AUGMENT, MIX])
@pytest.mark.parametrize("sampler", ["shuffled", "balanced"])
def test_the_same_batches_for_any_number_of_workers(recipe, sampler):
    of = images()
    drawn = plan(of, labels(), recipe=[recipe] * 15 + [None] * 5)

    def epochs(**how):
        loader = make_loader(of, drawn, seed=3, batch_size=6, sampler=sampler, **how)
        return [list(loader), list(loader)]

    alone = epochs()
    assert not torch.equal(alone[0][0]["pixel_values"], alone[1][0]["pixel_values"])
    for how in ({"num_workers": 1}, {"num_workers": 2, "persistent_workers": True}):
        for mine, theirs in zip(alone, epochs(**how, multiprocessing_context="fork"), strict=True):
            for one, other in zip(mine, theirs, strict=True):
                same(one, other)


@pytest.mark.slow
def test_the_same_batches_when_workers_are_spawned(caplog):
    of = images(damaged=(7,))
    drawn = plan(of, labels(), recipe=AUGMENT)
    alone = make_loader(of, drawn, seed=3, batch_size=6)
    spawned = make_loader(of, drawn, seed=3, batch_size=6, num_workers=2, multiprocessing_context="spawn")
    for one, other in zip(alone, spawned, strict=True):
        same(one, other)
    assert alone.skipped.keys() == spawned.skipped.keys() == {"r7"}


def test_what_goes_to_spawned_workers_is_small():
    of = images(200, (40, 40))
    loader = make_loader(of, plan(of, labels(200)), num_workers=1, multiprocessing_context="spawn")
    sent = pickle.dumps(loader.dataset)
    assert of.dataset.data.nbytes > 900_000
    assert len(sent) < 20_000
    again = pickle.loads(sent)  # noqa: S301 (what was just made here)
    draws = [Draw(0, 3), Draw(0, 4)]
    same(again.__getitems__(draws), loader.dataset.__getitems__(draws))
    folder = loader.dataset.plan._file.parent
    assert folder.exists()
    del loader
    assert not folder.exists()


def test_a_transform_that_can_t_be_sent_is_refused_at_once():
    of = images(2)
    with pytest.raises(ConfigError, match="top of a module"):
        make_loader(
            of, plan(of, labels(2)), num_workers=1, multiprocessing_context="spawn", transform=lambda batch: batch
        )


def test_augmentation_depends_on_seed_epoch_row_and_copy_alone():
    of = images(6)
    drawn = plan(of, labels(6) * 2, rows=[*range(6), *range(6)], recipe=AUGMENT, copy=[0] * 6 + [1] * 6)

    def by_row(batch_size, sampler, seed=1, epoch=0):
        loader = make_loader(of, drawn, seed=seed, batch_size=batch_size, sampler=sampler, epoch=epoch)
        found = {}
        for batch in loader:
            for row_id, pixels in zip(batch["row_id"], batch["pixel_values"]):
                found.setdefault(row_id, []).append(pixels)
        return {k: torch.stack(sorted(v, key=lambda t: t.sum().item())) for k, v in found.items()}

    one, other = by_row(5, "sequential"), by_row(12, "shuffled")
    for row_id, pixels in one.items():
        assert torch.equal(pixels, other[row_id])
        assert not torch.equal(pixels[0], pixels[1]), "a copy is another draw"
    assert not torch.equal(one["r0"], by_row(5, "sequential", seed=2)["r0"])
    assert not torch.equal(one["r0"], by_row(5, "sequential", epoch=1)["r0"])


def test_a_row_that_a_sampler_repeats_is_augmented_anew():
    of = images(11)
    given = ["cat"] * 10 + ["dog"]
    loader = make_loader(of, plan(of, given, recipe=AUGMENT), sampler="balanced", batch_size=11)
    [batch] = loader
    again = batch["pixel_values"][[i for i, row_id in enumerate(batch["row_id"]) if row_id == "r10"]]
    assert len(again) in (5, 6)
    assert len({tuple(pixels.flatten().tolist()) for pixels in again}) == len(again)


def test_mixing_mixes_inputs_soft_labels_and_weights_by_one_share():
    of = images()
    recipe = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    weight = np.where(np.arange(20) % 3 == 0, 3.0, 1.0)
    plain = next(iter(make_loader(of, plan(of, labels(), weight=weight), sampler="sequential", batch_size=20)))
    loader = make_loader(of, plan(of, labels(), weight=weight, recipe=recipe), sampler="sequential", batch_size=20)
    mixed = next(iter(loader))
    assert torch.equal(mixed["labels"], plain["labels"])
    share = mixed["share"]
    assert (share < 1).sum() > 15
    assert ((share >= 0) & (share <= 1)).all()
    for i in range(20):
        if share[i] == 1:
            continue
        fits = []
        for j in range(20):
            blend = share[i] * plain["pixel_values"][i] + (1 - share[i]) * plain["pixel_values"][j]
            if torch.allclose(blend, mixed["pixel_values"][i], atol=1e-4):
                fits.append(j)
        [j] = fits
        soft = share[i] * plain["soft_labels"][i] + (1 - share[i]) * plain["soft_labels"][j]
        torch.testing.assert_close(mixed["soft_labels"][i], soft)
        assert mixed["weights"][i].item() == pytest.approx((share[i] * weight[i] + (1 - share[i]) * weight[j]).item())
        assert mixed["partner_labels"][i] == plain["labels"][j]


@pytest.mark.parametrize("sampler", ["sequential", "weighted"])
def test_rows_that_count_for_nothing_are_not_mixed(sampler):
    of = images()
    recipe = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    names = ["cat" if i % 2 else "dog" for i in range(20)]
    drawn = plan(of, names, weight=[float(i % 2) for i in range(20)], recipe=recipe)
    [batch] = make_loader(of, drawn, sampler=sampler, batch_size=20)
    counted = batch["labels"] == batch["labels"][batch["weights"].argmax()]
    assert (batch["share"][counted] < 1).all()
    assert (batch["weights"] == counted.float()).all()
    assert (batch["share"][~counted] == 1).all()
    # No label of a row that counts for nothing comes in by the way of its partners.
    assert (batch["soft_labels"][counted].max(1).values == 1).all()


def test_rows_without_labels_are_not_mixed():
    of = images(8)
    recipe = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    given = [None] * 4 + ["cat"] * 4
    [batch] = make_loader(of, plan(of, given, recipe=recipe), sampler="sequential")
    assert (batch["share"][:4] == 1).all()
    assert (batch["soft_labels"][:4] == 0).all()
    torch.testing.assert_close(batch["soft_labels"][4:].sum(1), torch.ones(4))
    assert batch["partner_labels"].tolist() == [-100] * 4 + [0] * 4


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_that_cannot_be_read_are_skipped_counted_and_named(workers, caplog):
    of = images(damaged=(2, 11))
    loader = make_loader(of, plan(of, labels()), batch_size=5, num_workers=workers)
    with caplog.at_level(logging.WARNING, "curate.feed"):
        batches = list(loader)
    found = [row_id for batch in batches for row_id in batch["row_id"]]
    assert sorted(found) == sorted(f"r{i}" for i in range(20) if i not in (2, 11))
    assert loader.skipped.keys() == {"r2", "r11"}
    assert all("cut off" in reason or "damaged" in reason for reason in loader.skipped.values())
    assert "2 rows could not be read or augmented and were skipped, the last of them row r" in caplog.text
    for batch in batches:
        assert len(batch["row_id"]) == len(batch["labels"]) == len(batch["weights"]) == len(batch["pixel_values"])
        assert [int(r[1:]) % 3 for r in batch["row_id"]] == batch["labels"].tolist()


@pytest.mark.parametrize("workers", [0, 1])
def test_on_error_raise_names_the_row_in_one_sentence(workers):
    of = images(damaged=(2,))
    loader = make_loader(of, plan(of, labels()), batch_size=5, num_workers=workers, on_error="raise")
    with pytest.raises(DataError, match=r"\Arow r2 can't be read: [^\n]+\Z"):
        list(loader)


def test_a_batch_without_a_readable_row_is_left_out_but_not_where_others_wait():
    of = images(6, damaged=(2, 3))
    loader = make_loader(of, plan(of, labels(6)), sampler="sequential", batch_size=2)
    assert [batch["row_id"] for batch in loader] == [["r0", "r1"], ["r4", "r5"]]
    loader = make_loader(of, plan(of, labels(6)), sampler="sequential", batch_size=1, world_size=2, rank=0)
    with pytest.raises(DataError, match="other ranks wait"):
        list(loader)


def test_a_row_that_an_operation_fails_on_is_skipped_counted_and_named(monkeypatch, caplog):
    from curate.augment.recipe import Recipe

    real = Recipe.apply

    def fails(self, modality, item, *, row_id, **options):
        if row_id == "r4":
            raise ZeroDivisionError("no pixels")
        return real(self, modality, item, row_id=row_id, **options)

    of = images(8)
    monkeypatch.setattr(Recipe, "apply", fails)
    drawn = plan(of, labels(8), recipe=AUGMENT)
    loader = make_loader(of, drawn, image_size=10, batch_size=3)
    with caplog.at_level(logging.WARNING, "curate.feed"):
        found = [row_id for batch in loader for row_id in batch["row_id"]]
    assert sorted(found) == [f"r{i}" for i in range(8) if i != 4]
    assert loader.skipped == {"r4": "augmenting row r4 failed: ZeroDivisionError: no pixels"}
    assert "1 row could not be read or augmented and was skipped, row r4" in caplog.text
    with pytest.raises(DataError, match="augmenting row r4 failed: ZeroDivisionError: no pixels"):
        list(make_loader(of, drawn, image_size=10, on_error="raise"))


def test_an_operation_that_fails_on_every_row_stops_the_loop(monkeypatch):
    from curate.augment.recipe import Recipe

    def fails(self, modality, item, **_):
        raise ZeroDivisionError("no pixels")

    of = images(20)
    monkeypatch.setattr(Recipe, "apply", fails)
    for batch_size, empty in ((1, 10), (5, 4)):
        loader = make_loader(of, plan(of, labels(), recipe=AUGMENT), image_size=10, batch_size=batch_size)
        with pytest.raises(DataError, match=rf"first {empty} batches .* augmenting row r\d+ failed: ZeroDivision"):
            list(loader)


def test_held_out_rows_are_no_partners():
    of = images()
    split = ["test" if i % 2 else "train" for i in range(20)]
    recipe = [None if i % 2 else json.dumps([{"step": "mix", "mixup_alpha": 1.0}]) for i in range(20)]
    drawn = plan(of, labels(), recipe=recipe, split=split)
    [alone] = make_loader(of, drawn, sampler="sequential", batch_size=20, split="train")
    [beside] = make_loader(of, drawn, sampler="sequential", batch_size=20, split=None)
    assert torch.equal(beside["pixel_values"][::2], alone["pixel_values"])
    assert (beside["share"][1::2] == 1).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_state_counts_what_was_handed_out(workers):
    of = images()
    drawn = plan(of, labels(), recipe=AUGMENT)

    def loader(**options):
        return make_loader(of, drawn, seed=5, **{"batch_size": 3, "num_workers": workers, **options})

    whole = loader()
    whole.set_epoch(2)
    expected = list(whole)
    first = loader()
    first.set_epoch(2)
    for _, batch in zip(range(4), first):
        last = batch
    same(last, expected[3])
    state = json.loads(json.dumps(first.state_dict()))
    assert (state["epoch"], state["drawn"], state["n"]) == (2, 12, 20)
    second = loader()
    second.load_state_dict(state)
    second.set_epoch(2)
    rest = list(second)
    assert len(rest) == 3
    for one, other in zip(rest, expected[4:], strict=True):
        same(one, other)
    assert second.epoch == 3
    wider = loader(batch_size=8)
    wider.load_state_dict(state)
    ids = [row_id for batch in wider for row_id in batch["row_id"]]
    assert ids == [row_id for batch in expected[4:] for row_id in batch["row_id"]]


def test_ranks_share_the_epoch_and_a_state_moves_to_another_world():
    of = images()
    drawn = plan(of, labels())
    ranks = [make_loader(of, drawn, batch_size=3, rank=r, world_size=2) for r in range(2)]
    assert len(ranks[0]) == len(ranks[1]) == 4
    used = [row_id for it in map(iter, ranks) for _ in range(2) for row_id in next(it)["row_id"]]
    assert ranks[0].state_dict() == ranks[1].state_dict()
    alone = make_loader(of, drawn, batch_size=4)
    alone.load_state_dict(ranks[0].state_dict())
    rest = [row_id for batch in alone for row_id in batch["row_id"]]
    assert sorted(used + rest) == sorted(f"r{i}" for i in range(20))


def test_processes_that_were_not_told_their_share_are_warned(monkeypatch, caplog):
    of = images(8)
    for name, value in {"is_initialized": True, "get_world_size": 4, "get_rank": 3}.items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    with caplog.at_level(logging.WARNING, logger="curate.feed"):
        for told in ({"rank": 3, "world_size": 4}, {"rank": 0, "world_size": 1}, {"split": "test"}):
            drawn = plan(of, labels(8), split=[told.get("split", "train")] * 8)
            make_loader(of, drawn, batch_size=2, **told)
        assert not caplog.text
        loader = make_loader(of, plan(of, labels(8)), batch_size=2)
    assert "4 processes train together" in caplog.text
    assert "rank=3, world_size=4" in caplog.text
    assert sum(len(batch["row_id"]) for batch in loader) == 8


def test_a_sampler_that_a_trainer_puts_in_is_refused():
    """As Lightning does it where several processes train."""
    of = images(8)
    loader = make_loader(of, plan(of, labels(8)), batch_size=4)
    other = torch.utils.data.DistributedSampler(loader.dataset, num_replicas=2, rank=0)
    with pytest.raises(ConfigError, match=r"DistributedSampler would share out .*CuratedDataModule"):
        type(loader.batch_sampler)(other, batch_size=4, drop_last=False)


def test_a_peek_does_not_use_up_the_epoch():
    of = images(8)
    loader = make_loader(of, plan(of, labels(8)), batch_size=4)
    peek = next(iter(loader))
    batches = list(loader)
    same(peek, batches[0])
    assert len(batches) == len(loader) == 2
    loader.set_epoch(0)
    same(peek, next(iter(loader)))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_first_look_at_the_only_batch_does_not_use_up_the_epoch(workers, device):
    of = images(8)
    context = "fork" if workers else None

    def made():
        loader = make_loader(of, plan(of, labels(8)), num_workers=workers, multiprocessing_context=context)
        return loader if device is None else loader.prefetch_to(device)

    whole = made()
    epochs = [batch["row_id"] for _ in range(4) for batch in whole]
    loader = made()
    assert next(iter(loader))["row_id"] == epochs[0]
    assert loader.state_dict()["drawn"] == 0
    assert [batch["row_id"] for _ in range(3) for batch in loader] == epochs[:3]
    assert next(iter(loader))["row_id"] == epochs[3], "an epoch came to its end before"
    counting = made()
    counted = [batch["row_id"] for _ in range(4) for _, batch in zip(range(1), counting)]
    assert counted == [epochs[0], *epochs[:3]]


def test_an_iteration_that_ends_late_is_no_look_at_what_was_loaded_since():
    of = images(8)
    loader = make_loader(of, plan(of, labels(8)))
    late = iter(loader)
    next(late)
    state = loader.state_dict() | {"epoch": 3, "drawn": 5}
    loader.load_state_dict(state)
    del late
    assert loader.state_dict() == state


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_an_epoch_whose_last_batch_was_handed_out_is_over(workers, device):
    """Loops that count batches, and all loaders of a ``zip`` but the first, never ask for the end."""
    of = images(8)
    context = "fork" if workers else None

    def made():
        loader = make_loader(
            of, plan(of, labels(8)), batch_size=4, num_workers=workers, multiprocessing_context=context
        )
        return loader if device is None else loader.prefetch_to(device)

    whole, counted = made(), made()
    epochs = [[batch["row_id"] for batch in whole] for _ in range(3)]
    assert epochs[0] != epochs[1]
    for epoch, expected in enumerate(epochs):
        batches = iter(counted)
        assert [next(batches)["row_id"] for _ in range(2)] == expected
        assert counted.state_dict()["epoch"] == counted.epoch == epoch
        del batches
    counted.set_epoch(2)
    assert next(iter(counted))["row_id"] == epochs[2][0]
    assert next(iter(counted))["row_id"] == epochs[2][0]
    pairs = [[one["row_id"] for _, one in zip(range(2), counted)] for _ in range(2)]
    assert pairs[0] == epochs[2]
    counted.set_epoch(2)
    assert [batch["row_id"] for batch in counted] == epochs[2]


def test_an_epoch_may_be_named_of_the_sampler_alone():
    """As Lightning does it."""
    of = images(8)
    loader, named = (make_loader(of, plan(of, labels(8)), batch_size=4) for _ in range(2))
    for epoch in (0, 3, 3, 1):
        loader.set_epoch(epoch)
        named.batch_sampler.sampler.set_epoch(epoch)
        assert next(iter(named))["row_id"] == next(iter(loader))["row_id"]
        assert named.epoch == epoch
    state = named.state_dict()
    rest = [batch["row_id"] for batch in itertools.islice(loader, 1, None)]
    named.load_state_dict(state)
    named.batch_sampler.sampler.set_epoch(1)
    assert [batch["row_id"] for batch in named] == rest


def test_rows_that_were_skipped_are_said_though_the_loop_stops_before_the_end(caplog):
    of = images(8, damaged=(1, 3, 5))
    with caplog.at_level(logging.WARNING, logger="curate.feed"):
        for _ in zip(range(2), make_loader(of, plan(of, labels(8)), batch_size=4)):
            pass
    assert "3 rows could not be read" in caplog.text


def test_other_data_loaders_are_told_what_was_skipped(caplog):
    """Those that Accelerate or torchdata make of ours: batches without our report, and no row missing unsaid."""
    of = images(8, damaged=(1,))
    loader = make_loader(of, plan(of, labels(8)), batch_size=4)
    other = torch.utils.data.DataLoader(
        loader.dataset, batch_sampler=loader.batch_sampler, collate_fn=loader.collate_fn
    )
    with caplog.at_level(logging.WARNING, logger="curate.feed"):
        batches = list(other)
    assert {key[0] for batch in batches for key in batch} & {"_"} == set()
    assert sum(len(batch["row_id"]) for batch in batches) == 7
    assert "row r1 is skipped: " in caplog.text
    of = images(8, damaged=range(8))
    loader = make_loader(of, plan(of, labels(8)), batch_size=4)
    with pytest.raises(DataError, match="not one row of a batch could be read"):
        loader.dataset.__getitems__([Draw(0, 0), Draw(0, 1)])


def test_weights_count_once_where_rows_are_drawn_by_them():
    of = images(4)
    drawn = plan(of, labels(4), weight=[0.0, 1.0, 2.0, 5.0])
    [batch] = make_loader(of, drawn, sampler="weighted")
    assert "r0" not in batch["row_id"]
    assert batch["weights"].tolist() == [1.0] * 4


def test_a_sampler_of_one_s_own_decides_the_batches():
    of = images(9)
    drawn = plan(of, labels(9))
    twin = Sampler(drawn, batch_size=4, seed=9)
    loader = make_loader(of, drawn, sampler=Sampler(drawn, batch_size=4, seed=9), batch_size=99)
    assert [b["row_id"] for b in loader] == [[f"r{p}" for p in batch] for batch in twin.batches()]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sampler": "shufled"}, "did you mean 'shuffled'"),
        ({"sampler": Sampler(3)}, "draws from 3 lines"),
        ({"sampler": 7}, "must be a mode"),
        ({"split": "trian"}, "did you mean 'train'"),
        ({"image_sise": 3}, "unknown setting 'image_sise' .did you mean 'image_size'"),
        ({"shuffle": True}, "unknown setting 'shuffle' .say sampler: shuffled"),
        ({"split": ["train"]}, "split must be the name of one"),
        (
            {"class_weights": [1, "a", 2]},
            "class_weights must be 3 numbers, one per class, not .1, 'a', 2.",
        ),
        ({"image_size": 0, "frames": 0}, "image_size: found 0: .*frames: found 0"),
        ({"std": [0.0]}, "greater than 0"),
        ({"mean": [1, 2]}, "three"),
        ({"drop_last": "no"}, "drop_last must be True or False, not 'no'"),
        ({"tokenizer": "bert-base-uncased"}, r"such as transformers\.AutoTokenizer\.from_pretrained\('bert-base"),
        ({"tokenizer_options": {"padding": True}}, "tokenizer_options is for texts"),
        ({"transform": 3}, "transform must be a function, not 3"),
        ({"inputs": "pixels"}, "inputs must be a mapping"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"on_error": "ignore"}, "on_error"),
        ({"num_workers": -1}, "num_workers"),
        ({"persistent_workers": True}, "num_workers of at least 1"),
        ({"num_workers": 1, "multiprocessing_context": "thread"}, "multiprocessing_context"),
        ({"label_names": ["cat", "dog"]}, "'owl'"),
        ({"world_size": 2, "rank": 2}, "ranks count from 0"),
    ],
)
def test_wrong_options_are_one_clear_error(options, says):
    of = images(4)
    with pytest.raises(ConfigError, match=says):
        make_loader(of, plan(of, labels(4)), **options)


@pytest.mark.parametrize("options", [{"drop_last": True}, {"pad": True}, {"bucket_by_length": True}])
def test_options_that_say_nothing_beside_a_sampler_are_refused(options):
    of = images(4)
    lines = plan(of, labels(4))
    with pytest.raises(ConfigError, match=f"{next(iter(options))}.*to the Sampler itself"):
        make_loader(of, lines, sampler=Sampler(lines, batch_size=2), **options)


def test_targets_keep_their_names():
    of = images(4)
    with pytest.raises(ConfigError, match="soft_labels can't be renamed"):
        make_loader(of, plan(of, labels(4)), inputs={"soft_labels": "targets"})


def test_wrong_names_of_inputs():
    of = images(4)
    with pytest.raises(ConfigError, match=r"no entry 'pixels'.*did you mean 'pixel_values'"):
        next(iter(make_loader(of, plan(of, labels(4)), inputs={"pixels": "x"})))
    with pytest.raises(ConfigError, match="one name"):
        next(iter(make_loader(of, plan(of, labels(4)), inputs={"pixel_values": "labels"})))


def test_an_empty_plan_gives_no_batches():
    of = images(2)
    assert list(make_loader(of, plan(of, labels(2)).slice(0, 0))) == []


def test_multilabel_and_regression_targets():
    cells = images(3).dataset[:]["image"]
    of = table(
        {"image": cells, "label": [["a"], ["a", "b"], None]},
        kind="multilabel", image="image", label="label", label_names=("a", "b"),
    )  # fmt: skip
    drawn = plan(of, [["a"], ["a", "b"], None], kind="multilabel", soft=[[0.9, 0.1], None, None])
    [batch] = make_loader(of, drawn, sampler="sequential")
    assert batch["labels"].tolist() == [[1, 0], [1, 1], [-100, -100]]
    torch.testing.assert_close(batch["soft_labels"], torch.tensor([[0.9, 0.1], [1, 1], [0, 0]]))
    of = table({"image": cells, "y": [1.5, -2.0, None]}, kind="regression", image="image", label="y")
    mix = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    [batch] = make_loader(of, plan(of, [1.5, -2.0, None], kind="regression", recipe=mix), sampler="sequential")
    assert batch["labels"].dtype == torch.float32
    assert batch["labels"][:2].tolist() == [1.5, -2.0]
    assert torch.isnan(batch["labels"][2])
    assert torch.isnan(batch["soft_labels"][2])
    assert ((batch["soft_labels"][:2] >= -2) & (batch["soft_labels"][:2] <= 1.5)).all()
    with pytest.raises(ConfigError, match="segmentation"):
        make_loader(table({"image": cells}, kind="segmentation", image="image"), plan(of, kind=None))


def test_importing_the_feed_loads_no_torch():
    import subprocess
    import sys

    code = (
        "import sys, curate, curate.feed; curate.feed.Sampler(5); "
        "print([m for m in ('torch', 'pandas', 'datasets', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_torch_the_extra_is_named(monkeypatch):
    import sys

    import curate.feed

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"curate-data\[trainers\]"):
        _ = curate.feed.SoftCrossEntropy
    with pytest.raises(AttributeError):
        _ = curate.feed.Nothing


def test_options_that_say_nothing_are_refused():
    texts = curate.load({"text": ["one", "two", "three", "four"], "label": ["a", "b", "a", "b"]})
    curated = curate.Pipeline([]).run(texts, cache=None)
    with pytest.raises(ConfigError, match=r"image_size = 32 says nothing here: it is for image or video"):
        curated.loader(image_size=32)
    with pytest.raises(ConfigError, match=r"unknown setting 'btch_size' \(did you mean 'batch_size'\?\)"):
        curated.loader(btch_size=2)
    with pytest.raises(ConfigError, match=r"class_weights must be 2 numbers, one per class, not of the shape \(3,\)"):
        curated.loader(class_weights=[1, 2, 3])
    with pytest.raises(ConfigError, match="class_weights must be finite and at least 0; that of 'b' is -1"):
        curated.loader(class_weights=[1, -1])
    with pytest.raises(ConfigError, match="that of 'a' is nan"):
        curated.loader(class_weights=[float("nan"), 1])
    with pytest.raises(ConfigError, match=r"drop_last leaves no batch: 4 draws for 1 process in batches of 8"):
        curated.loader(batch_size=8, drop_last=True)


def test_a_process_may_have_no_batch_where_lines_are_few():
    curated = curate.Pipeline([]).run(
        curate.load({"text": ["one", "two", "three"], "label": ["a", "b", "a"]}), cache=None
    )
    sizes = [sum(len(batch["row_id"]) for batch in curated.loader(rank=rank, world_size=4)) for rank in range(4)]
    assert sizes == [1, 1, 1, 0]
