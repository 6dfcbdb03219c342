"""The feed with a CUDA device: pinned batches, copies that overlap, and a loss whose weights are there too."""

import datasets
import numpy as np
import pyarrow as pa
import pytest

from curate.plan import schema
from curate.table import Table
from curate.task import Task


@pytest.mark.gpu
def test_pinned_batches_train_on_the_device():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    from curate.feed import SoftCrossEntropy, make_loader

    rng = np.random.default_rng(0)
    n, codes = 600, np.arange(600) % 3
    vectors = rng.normal(size=(n, 8)) + codes[:, None] * 3
    names = ("a", "b", "c")
    table = Table(
        datasets.Dataset(pa.table({"x": list(vectors), "y": [names[c] for c in codes]})),
        Task(kind="classification", features="x", label="y", label_names=names),
        np.array([f"r{i}" for i in range(n)], dtype=np.dtypes.StringDType()),
        np.zeros((n, 2), np.uint64),
    )
    fields = schema("classification")
    columns = {
        "row": pa.array(range(n)),
        "row_id": pa.array([f"r{i}" for i in range(n)]),
        "label": pa.array([names[c] for c in codes]).dictionary_encode(),
        "soft_label": pa.nulls(n, pa.list_(pa.float32())),
        "weight": pa.array(np.ones(n, np.float32)),
        "origin": pa.array(["original"] * n).dictionary_encode().cast(fields.field("origin").type),
        "recipe": pa.nulls(n, pa.dictionary(pa.int32(), pa.string())),
        "split": pa.array(["train"] * n).dictionary_encode().cast(fields.field("split").type),
        "copy": pa.array(np.zeros(n, np.int32)),
    }
    loader = make_loader(table, pa.table(columns, schema=fields), batch_size=64, num_workers=2, pin_memory=True)
    loss = SoftCrossEntropy([1.0, 2.0, 4.0], names).cuda()
    model = torch.nn.Linear(8, 3).cuda()
    solver = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(4):
        for batch in loader:
            assert batch["features"].is_pinned()
            moved = {k: v.cuda(non_blocking=True) if hasattr(v, "cuda") else v for k, v in batch.items()}
            with torch.autocast("cuda", dtype=torch.bfloat16):
                logits = model(moved["features"])
            value = loss(logits, moved)
            assert value.dtype == torch.float32
            solver.zero_grad()
            value.backward()
            solver.step()
    on_device = loss(logits.float(), moved)
    on_host = SoftCrossEntropy([1.0, 2.0, 4.0], names)(logits.float().cpu(), batch)
    torch.testing.assert_close(on_device.cpu(), on_host, atol=1e-5, rtol=1e-5)
    assert on_host.item() < 0.5
