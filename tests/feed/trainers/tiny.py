"""Tiny curated results of texts, images, sound and video, with unequal weights, soft labels, and tiny models."""

import numpy as np
import torch
from torch import nn

import curate

NAMES = ("ask", "buy", "sell")
WORDS = {"ask": "what why how", "buy": "take get order", "sell": "give offer price"}


def texts(n=46, classes=NAMES, steps=None, seed=0, splits=True):
    """A result of texts: 6 : 3 : 1, weighted by class, smoothed."""
    rng = np.random.default_rng(seed)
    labels = [classes[0 if i % 10 < 6 else 1 if i % 10 < 9 else 2] for i in range(n)]
    rows = [" ".join(rng.choice([*WORDS[label].split(), "the", "a"], rng.integers(2, 9))) for label in labels]
    split = ["validation" if splits and i % 6 == 5 else "train" for i in range(n)]
    steps = [curate.steps.ClassWeights(), curate.steps.SmoothLabels(epsilon=0.2)] if steps is None else steps
    task = curate.Task(kind="classification", text="text", label="label", label_names=classes, id="id", split="split")
    ids = [f"t{i}" for i in range(n)]
    table = curate.load({"id": ids, "text": rows, "label": labels, "split": split}, task=task)
    return weighted(curate.Pipeline(steps).run(table))


def weighted(curated):
    """Row weights of 0.5 to 2 by the number of the row, and one row of the training set without a label."""
    from dataclasses import replace

    import pyarrow as pa

    plan = curated.plan
    weights = 0.5 + 1.5 * (plan["row"].to_numpy() * 7 % 11) / 10
    fields = plan.schema
    columns = {name: plan[name] for name in plan.column_names}
    columns["weight"] = pa.array(weights).cast(fields.field("weight").type)
    return replace(curated, plan=pa.table(list(columns.values()), schema=fields))


def tokenizer():
    """Words to numbers, without any file."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "the", "a", *(word for text in WORDS.values() for word in text.split())]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]")


def bert(dropout=0.0, classes=3, seed=0):
    """A BERT of 2 layers, 32 wide, with random weights."""
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=16, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=32, num_labels=classes, hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    return BertForSequenceClassification(config)


class Averaging(nn.Module):
    """Logits of any input, averaged down to few numbers."""

    def __init__(self, classes, entry):
        super().__init__()
        self.entry = entry
        self.layer = nn.Linear({"pixel_values": 12, "input_values": 8, "features": 2}[entry], classes)

    def forward(self, batch):
        values = batch[self.entry]
        if self.entry == "pixel_values":
            while values.ndim > 4:
                values = values.mean(1)
            values = nn.functional.adaptive_avg_pool2d(values, 2)
        elif self.entry == "input_values":
            values = nn.functional.adaptive_avg_pool1d(values.abs(), 8)
        return self.layer(values.flatten(1))


def _result(columns, media, folder, n, **options):
    labels = ["ask" if i % 10 < 6 else "buy" if i % 10 < 9 else "sell" for i in range(n)]
    data = {"id": [f"r{i}" for i in range(n)], "label": labels} | columns
    task = curate.Task(kind="classification", label="label", label_names=NAMES, id="id", **media)
    steps = [curate.steps.ClassWeights(), curate.steps.SmoothLabels(epsilon=0.2)]
    table = curate.load(data, task=task, **options)
    return weighted(curate.Pipeline(steps).run(table))


def numbers(folder, n=30):
    """A result of two numbers per row."""
    rng = np.random.default_rng(0)
    return _result(
        {"a": rng.normal(size=n).tolist(), "b": rng.normal(size=n).tolist()}, {"features": ("a", "b")}, folder, n
    )


def pictures(folder, n=30, damage=()):
    """A result of images of 16 x 16 pixels, some damaged after they were curated."""
    from curate.media.image import encode_png

    rng = np.random.default_rng(0)
    cells = [{"bytes": encode_png(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)), "path": None} for _ in range(n)]
    curated = _result({"image": cells}, {"image": "image"}, folder, n)
    if not damage:
        return curated
    from dataclasses import replace

    cells = [{**cell, "bytes": cell["bytes"][:60]} if i in damage else cell for i, cell in enumerate(cells)]
    dataset = curated.table.dataset.to_dict() | {"image": cells}
    import datasets

    damaged = datasets.Dataset.from_dict(dataset, features=curated.table.dataset.features)
    return replace(curated, table=replace(curated.table, dataset=damaged))


def sounds(folder, n=30):
    """A result of recordings of a fifth of a second."""
    import io

    import soundfile

    rng = np.random.default_rng(0)
    cells = []
    for _ in range(n):
        buffer = io.BytesIO()
        soundfile.write(buffer, rng.normal(0, 0.1, 1600).astype(np.float32), 8000, format="WAV")
        cells.append({"bytes": buffer.getvalue(), "path": None})
    return _result({"audio": cells}, {"audio": "audio"}, folder, n)


def videos(folder, n=30):
    """A result of clips of 4 frames."""
    import io

    import av

    rng = np.random.default_rng(0)
    cells = []
    for _ in range(n):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4") as container:
            stream = container.add_stream("mpeg4", rate=4)
            stream.width = stream.height = 32
            stream.pix_fmt = "yuv420p"
            for _ in range(4):
                frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        cells.append({"bytes": buffer.getvalue(), "path": None})
    return _result({"video": cells}, {"video": "video"}, folder, n)
