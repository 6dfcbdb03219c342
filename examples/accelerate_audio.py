"""Train a tiny network on curated sounds with Accelerate: offline, on a CPU, in seconds.

    python examples/accelerate_audio.py
    accelerate launch --cpu --num_processes 2 examples/accelerate_audio.py

Tones of two pitches, one rare, are curated; gradients are accumulated over four batches as if they were one.
"""

import contextlib
import sys
import tempfile

import numpy as np
import soundfile
import torch
from accelerate import Accelerator
from torch import nn

import curate
from curate.feed.trainers import accelerated, accumulate

NAMES = ("low", "high")


def table(folder, rows=90, seed=0):
    """Recordings of a quarter of a second in a folder, a fifth of them high."""
    rng = np.random.default_rng(seed)
    labels = [NAMES[i % 5 == 0] for i in range(rows)]
    time = np.arange(2000) / 8000
    for i, label in enumerate(labels):
        hertz = rng.uniform(200, 500) if label == "low" else rng.uniform(1200, 2000)
        sound = 0.3 * np.sin(2 * np.pi * hertz * time) + rng.normal(0, 0.02, len(time))
        soundfile.write(f"{folder}/{i}.wav", sound, 8000)
    task = curate.Task(kind="classification", audio="audio", label="label", label_names=NAMES)
    return curate.load({"audio": [f"{i}.wav" for i in range(rows)], "label": labels}, task=task, root=folder)


class Network(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv1d(1, 8, 16, 4), nn.ReLU(), nn.Conv1d(8, 8, 8, 4), nn.ReLU())
        self.head = nn.Linear(8, classes)

    def forward(self, sounds):
        return self.head(self.layers(sounds.unsqueeze(1)).amax(2))


def main(folder):
    torch.manual_seed(0)
    accelerator = Accelerator()
    steps = [curate.steps.ClassWeights(), curate.steps.SmoothLabels(epsilon=0.05)]
    curated = curate.Pipeline(steps).run(table(folder))
    model = Network(len(curated.label_names))
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=1e-2))
    # The loader knows its share of the draws already: it does not go through prepare.
    loader, loss = accelerated(accelerator, curated, batch_size=4), curated.loss().to(accelerator.device)
    for epoch in range(8):
        loader.set_epoch(epoch)
        total, right, seen = 0.0, 0, 0
        for group in accumulate(loader, loss, steps=4):
            for place, batch in enumerate(group):
                last = place == len(group) - 1
                with contextlib.nullcontext() if last else accelerator.no_sync(model):
                    logits = model(batch["input_values"])
                    value = loss(logits, batch)
                    accelerator.backward(value)
                total += value.item()
                right += int((logits.argmax(1) == batch["labels"]).sum())
                seen += len(batch["row_id"])
            optimizer.step()
            optimizer.zero_grad()
    accelerator.print(f"accuracy in the last epoch {right / seen:.3f}")
    return {"accuracy": right / seen}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(f"usage: python {sys.argv[0]}")
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
