"""How long a GPU waits for data while models of the size of ViT-B/16 and BERT-base are fine-tuned, by ours and others.

    python -m benchmarks.loader_gpu [--only image,text] [--workers N] [--steps 60] [--batch 128] [--smoke]

Random weights from the configurations of transformers, bf16, AdamW. A CUDA event is recorded at the end of each step
and one when the next batch is there: where the host is in time, one happens right after the other on the device, else
the time between them is time in which it had nothing to do. The share is their sum over the whole time after the first
steps. Without a CUDA device nothing is measured, and that is said; `--smoke` then runs tiny models on the CPU, to see
that the script works.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._loader_data import MEAN, STD, image_files
from benchmarks._loader_images import JITTER, SIDE

WARM_UP = 10
WORDS, TOKENS = 200, 128
Batches = Iterable[dict[str, Any]]


def image_model(tiny: bool) -> Any:
    """ViT-B/16, or a tiny one."""
    from transformers import ViTConfig, ViTForImageClassification

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    return ViTForImageClassification(ViTConfig(num_labels=8, **(small if tiny else {})))


def text_model(tiny: bool) -> Any:
    """BERT-base, or a tiny one."""
    from transformers import BertConfig, BertForSequenceClassification

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    return BertForSequenceClassification(BertConfig(num_labels=8, **(small if tiny else {})))


def image_data(folder: Path, count: int) -> Any:
    """The curated result of JPEGs with augmentation; the files lie in `images`."""
    import curate
    from benchmarks._loader_images import recipe

    image_files(folder / "images", count)
    pipeline = curate.Pipeline([curate.steps.Augment(**recipe())])
    return pipeline.run(str(folder / "images"))


def text_data(folder: Path, count: int) -> Any:
    """The curated result of a CSV of made-up texts, and `vocabulary.txt` of their words."""
    import curate

    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    lines = ["text,label"]
    for i in range(count):
        lines.append(f"{' '.join(rng.choice(words, rng.integers(WORDS // 4, WORDS)))},class{i % 8}")
    (folder / "texts.csv").write_text("\n".join(lines))
    (folder / "vocabulary.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    return curate.Pipeline([]).run(str(folder / "texts.csv"))


def tokenizer(folder: Path) -> Any:
    """A fast tokenizer that knows the words of the texts."""
    from transformers import BertTokenizerFast

    return BertTokenizerFast(str(folder / "vocabulary.txt"))


def ours(modality: str, curated: Any, folder: Path, device: Any, batch: int, workers: int, way: str) -> Batches:
    """Our loader, copied ahead; images as bytes, their colours changed on the device."""
    options: dict[str, Any] = {"batch_size": batch, "num_workers": workers, "workers": way, "drop_last": True}
    if workers:
        options["persistent_workers"] = True
    if modality == "image":
        loader = curated.loader(pixels="uint8", mean=list(MEAN), std=list(STD), **options)
        return loader.prefetch_to(device, dtype="bfloat16", augment=True)
    return curated.loader(tokenizer=tokenizer(folder), max_tokens=TOKENS, **options).prefetch_to(device)


def plain(modality: str, folder: Path, device: Any, batch: int, workers: int) -> Batches:
    """A torch DataLoader with pinned memory, and `.to(device, non_blocking=True)` in the loop."""
    from torch.utils.data import DataLoader

    dataset: Any = _Images(folder) if modality == "image" else _Texts(folder)
    collate = None if modality == "image" else dataset.collate
    loader = DataLoader(
        dataset, batch, shuffle=True, num_workers=workers, drop_last=True, collate_fn=collate,
        pin_memory=device.type == "cuda", persistent_workers=workers > 0,
    )  # fmt: skip
    return _OnDevice(loader, device)


class _OnDevice:
    def __init__(self, loader: Any, device: Any) -> None:
        self.loader, self.device = loader, device

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.loader:
            yield {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}


class _Images:
    def __init__(self, folder: Path) -> None:
        import albumentations as A
        from albumentations.pytorch import ToTensorV2

        self.files = sorted((folder / "images").glob("*/*.jpg"))
        jitter = A.ColorJitter(**JITTER, p=1.0)
        crop = A.RandomResizedCrop((SIDE, SIDE))
        self.changes = A.Compose([crop, A.HorizontalFlip(), jitter, A.Normalize(MEAN, STD), ToTensorV2()])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> dict[str, Any]:
        import cv2

        pixels = cv2.imread(str(self.files[i]), cv2.IMREAD_COLOR_RGB)
        return {"pixel_values": self.changes(image=pixels)["image"], "labels": int(self.files[i].parent.name[-1])}


class _Texts:
    def __init__(self, folder: Path) -> None:
        lines = (folder / "texts.csv").read_text().splitlines()[1:]
        self.rows = [line.rsplit(",", 1) for line in lines]
        self.tokenizer = tokenizer(folder)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> list[str]:
        return self.rows[i]

    def collate(self, rows: list[list[str]]) -> dict[str, Any]:
        import torch

        texts = [text for text, _ in rows]
        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        return dict(tokens) | {"labels": torch.tensor([int(label[-1]) for _, label in rows])}


def endless(batches: Batches) -> Iterator[dict[str, Any]]:
    """Epoch after epoch."""
    while True:
        yield from batches


def trained(model: Any, batches: Batches, modality: str, device: Any, steps: int) -> tuple[float, float] | None:
    """Milliseconds per step and the share of them without data, on a CUDA device; None elsewhere."""
    import torch

    solver = torch.optim.AdamW(model.parameters(), 1e-4, fused=device.type == "cuda")
    taken = ("pixel_values",) if modality == "image" else ("input_ids", "attention_mask")
    ends, begins = [], []
    for batch in islice(endless(batches), WARM_UP + steps):
        begins.append(_event(device))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = model(**{name: batch[name] for name in taken}, labels=batch["labels"]).loss
        loss.backward()
        solver.step()
        solver.zero_grad(set_to_none=True)
        ends.append(_event(device))
    if device.type != "cuda":
        return None
    torch.cuda.synchronize()
    waited = sum(end.elapsed_time(begin) for end, begin in zip(ends[WARM_UP - 1 : -1], begins[WARM_UP:]))
    whole = ends[WARM_UP - 1].elapsed_time(ends[-1])
    return whole / steps, waited / whole


def _event(device: Any) -> Any:
    import torch

    if device.type != "cuda":
        return None
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def compared(modality: str, folder: Path, given: argparse.Namespace, device: Any) -> None:
    """Print the lines of one model."""
    import torch

    folder.mkdir()
    make: Callable[[bool], Any] = image_model if modality == "image" else text_model
    curated = (image_data if modality == "image" else text_data)(folder, given.rows)
    contestants: list[tuple[str, Callable[[], Batches]]] = [
        (f"curate, {way}", lambda way=way: ours(modality, curated, folder, device, given.batch, given.workers, way))
        for way in (["processes", "threads"] if given.workers else ["processes"])
    ]
    contestants.append(("torch DataLoader", lambda: plain(modality, folder, device, given.batch, given.workers)))
    for name, loader in contestants:
        torch.manual_seed(0)
        began = time.perf_counter()
        found = trained(make(given.smoke).to(device).train(), loader(), modality, device, given.steps)
        if found is None:
            print(f"{modality:8}{name:24} runs ({time.perf_counter() - began:.1f} s); nothing measured on the CPU")
        else:
            ms, share = found
            rate = given.batch * 1e3 / ms
            print(f"{modality:8}{name:24}{ms:12.1f}{rate:12.0f}{share:12.2%}", flush=True)


def main() -> None:
    """Run the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="image,text", help="modalities, separated by commas")
    parser.add_argument("--workers", type=int, default=min(16, os.cpu_count() or 1), help="workers of every loader")
    parser.add_argument("--steps", type=int, default=60, help="steps that are measured")
    parser.add_argument("--batch", type=int, default=128, help="rows per step")
    parser.add_argument("--rows", type=int, default=4096, help="rows of the data sets, which are made here")
    parser.add_argument("--smoke", action="store_true", help="tiny models, on the CPU where there is no GPU")
    given = parser.parse_args()
    import torch

    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()  # transformers imports it on sight
    if not torch.cuda.is_available() and not given.smoke:
        print("no CUDA device: nothing was measured (--smoke tries the script on the CPU)")
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        print(
            f"{torch.cuda.get_device_name()}, {os.cpu_count()} CPU cores, {given.workers} workers, batch {given.batch}"
        )
        print(f"{'':32}{'ms per step':>12}{'rows per s':>12}{'waiting':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for modality in given.only.split(","):
            compared(modality, Path(folder) / modality, given, device)


if __name__ == "__main__":
    main()
