"""Batches copied to a CUDA device ahead: what arrives, while streams are busy and memory is used again at once."""

import json

import datasets
import numpy as np
import pyarrow as pa
import pytest

from curate.media.image import encode_png
from curate.plan import schema
from curate.table import Table
from curate.task import Task

pytestmark = pytest.mark.gpu
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
JITTER = {"ColorJitter": {"p": 0.8, "hue": [-0.1, 0.1]}}


def made(n=96, operations=("HorizontalFlip",), **options):
    from curate.feed import make_loader

    rng, names = np.random.default_rng(0), ("cat", "dog")
    cells = [{"bytes": encode_png(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8)), "path": None} for _ in range(n)]
    labels = [names[i % 2] for i in range(n)]
    table = Table(
        datasets.Dataset(pa.table({"image": cells, "label": labels})),
        Task(kind="classification", image="image", label="label", label_names=names),
        np.array([f"r{i}" for i in range(n)], dtype=np.dtypes.StringDType()),
        np.zeros((n, 2), np.uint64),
    )
    fields = schema("classification")
    recipe = json.dumps([{"step": "augment", "image": list(operations)}])
    columns = {
        "row": range(n),
        "row_id": [f"r{i}" for i in range(n)],
        "label": labels,
        "soft_label": [None] * n,
        "weight": np.ones(n),
        "origin": ["original"] * n,
        "recipe": [recipe] * n,
        "split": ["train"] * n,
        "copy": [0] * n,
    }
    arrays = []
    for field in fields:
        if pa.types.is_dictionary(field.type):
            arrays.append(pa.array(columns[field.name], pa.string()).dictionary_encode().cast(field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    plan = pa.table(arrays, schema=fields)
    return make_loader(table, plan, **{"batch_size": 16, "mean": MEAN, "std": STD} | options)


@pytest.mark.parametrize("workers", [{}, {"num_workers": 2}, {"num_workers": 2, "workers": "threads"}])
@pytest.mark.parametrize("pixels", ["float32", "uint8"])
def test_what_arrives_is_what_the_loader_made(torch, workers, pixels):
    here = list(made())
    there = list(made(pixels=pixels, **workers).prefetch_to("cuda", depth=3))
    assert len(there) == len(here) == 6
    for one, other in zip(there, here):
        assert one["row_id"] == other["row_id"]
        assert one["pixel_values"].is_cuda
        assert one["labels"].is_cuda
        torch.testing.assert_close(one["labels"].cpu(), other["labels"])
        torch.testing.assert_close(one["pixel_values"].cpu(), other["pixel_values"], atol=1e-5, rtol=1e-5)


def test_the_loaders_batches_are_page_locked_and_the_copies_go_by_another_stream(torch):
    loader = made(pixels="uint8", num_workers=1)
    moved = loader.prefetch_to("cuda")
    assert loader.pin_memory
    assert next(iter(loader))["pixel_values"].is_pinned()
    assert moved.device.index == torch.cuda.current_device()


def test_memory_is_not_used_again_while_the_model_still_reads_it(torch):
    """Each batch is let go as soon as the device was told to sum it up, behind work that keeps its stream busy."""
    expected = [float(batch["pixel_values"].double().sum()) for batch in made(n=320)]
    found = []
    for batch in made(n=320, pixels="uint8", num_workers=2).prefetch_to("cuda", depth=2):
        torch.cuda._sleep(20_000_000)
        found.append(batch["pixel_values"].double().sum())
        del batch
    torch.cuda.synchronize()
    np.testing.assert_allclose([float(one) for one in found], expected, rtol=1e-5, atol=0.5)


def test_a_stream_of_ones_own_waits_for_the_copy(torch):
    expected = list(made(n=160))
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        there = [batch["pixel_values"].clone() for batch in made(n=160, pixels="uint8").prefetch_to("cuda")]
    stream.synchronize()
    for one, other in zip(there, expected):
        torch.testing.assert_close(one.cpu(), other["pixel_values"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("operations", [("HorizontalFlip", JITTER), ("VerticalFlip",)])
def test_operations_on_the_device_are_those_of_the_cpu_device(torch, operations):
    options = {"operations": operations, "pixels": "uint8"}
    here = list(made(**options).prefetch_to("cpu", augment=True))
    there = list(made(num_workers=2, **options).prefetch_to("cuda", augment=True))
    for one, other in zip(there, here):
        assert one["row_id"] == other["row_id"]
        torch.testing.assert_close(one["pixel_values"].cpu(), other["pixel_values"], atol=2e-3, rtol=2e-3)


def test_crops_on_the_device(torch):
    crop = {"RandomResizedCrop": {"size": [32, 32], "scale": [0.5, 0.9]}}
    options = {"operations": (crop, JITTER), "pixels": "uint8", "image_size": (64, 48)}
    here = list(made(**options).prefetch_to("cpu", augment=True))
    there = list(made(**options).prefetch_to("cuda", augment=True))
    for one, other in zip(there, here):
        assert one["pixel_values"].shape[1:] == (3, 32, 32)
        torch.testing.assert_close(one["pixel_values"].cpu(), other["pixel_values"], atol=2e-3, rtol=2e-3)


def test_number_format_and_layout(torch):
    batch = next(iter(made(pixels="uint8").prefetch_to("cuda", dtype="bfloat16", channels_last=True)))
    assert batch["pixel_values"].dtype == torch.bfloat16
    assert batch["pixel_values"].is_contiguous(memory_format=torch.channels_last)
    assert batch["weights"].dtype == torch.float32


def test_the_state_counts_what_was_handed_out(torch):
    loader = made(num_workers=2).prefetch_to("cuda", depth=4)
    rest = iter(loader)
    next(rest)
    state = loader.state_dict()
    expected = [batch["row_id"] for batch in rest]
    again = made().prefetch_to("cuda")
    again.load_state_dict(state)
    assert [batch["row_id"] for batch in again] == expected


def test_an_epoch_that_is_left_while_copies_are_under_way(torch):
    loader = made(num_workers=2).prefetch_to("cuda", depth=3)
    for batch in loader:
        first = batch["row_id"]
        break
    assert next(iter(loader))["row_id"] == first
