"""Train a tiny model on a curated folder, with nothing but PyTorch.

    curate run pipeline.yaml --out curated/
    python examples/plain_pytorch.py curated/

Works for classes of images, audio, series and features: whatever the batch holds is averaged down to a small vector
first, so that the script stays short. Put a real model in place of `Tiny`.
"""

import sys

import torch
from torch import nn

import curate

INPUTS = ("pixel_values", "input_values", "series", "features")


class Tiny(nn.Module):
    """Averages the input down to 64 numbers, then two layers."""

    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyLinear(64), nn.ReLU(), nn.LazyLinear(classes))

    def forward(self, batch):
        name = next((name for name in INPUTS if name in batch), None)
        if name is None:
            sys.exit(f"this script takes {', '.join(INPUTS)}, and the batch has {', '.join(batch)}")
        inputs = batch[name]
        if name == "pixel_values":
            inputs = nn.functional.adaptive_avg_pool2d(inputs.flatten(1, -3), 8)
        elif name != "features":
            inputs = nn.functional.adaptive_avg_pool1d(inputs, 64)
        return self.layers(inputs.flatten(1))


def main(folder):
    torch.manual_seed(0)
    try:
        curated = curate.open(folder)
    except curate.errors.CurateError as error:
        sys.exit(str(error))
    if curated.table.task.kind != "classification":
        sys.exit(f"this script trains on a class per row, and the task of {folder} is {curated.table.task.kind}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loader = curated.loader(batch_size=32, num_workers=0)
    loss = curated.loss().to(device)
    model = Tiny(len(curated.label_names)).to(device)
    optimizer = None

    seen, correct, total = 0, 0, 0.0
    for batch in loader:
        batch = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
        logits = model(batch)
        # The lazy layers have parameters only after the first batch went through.
        optimizer = optimizer or torch.optim.AdamW(model.parameters(), lr=1e-3)
        # Soft labels, class weights and row weights all count in this one line.
        value = loss(logits, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seen += len(batch["row_id"])
        correct += int((logits.argmax(1) == batch["labels"]).sum())
        total += value.item() * len(batch["row_id"])
    print(f"{seen} rows, {len(curated.label_names)} classes: loss {total / seen:.3f}, accuracy {correct / seen:.3f}")
    for row_id, reason in loader.skipped.items():
        print(f"skipped row {row_id}: {reason}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} CURATED_FOLDER")
    main(sys.argv[1])
