"""Train a tiny vision transformer on curated images with Lightning: offline, on a CPU, in seconds.

    python examples/lightning_images.py

Drawn squares and stripes, stripes rare, are curated, flipped and jittered; validation rows are seen once and in order.
"""

import sys
import tempfile
import warnings

import numpy as np

import curate

# Before other names of transformers: it makes a torchaudio that does not fit the installed torch harmless.
from curate.feed.trainers import CuratedDataModule, CuratedTrainer  # isort: skip  # noqa: F401
import pytorch_lightning as lightning
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification

NAMES = ("square", "stripes")


def table(folder, rows=120, seed=0):
    """Grey pictures of 32 x 32 pixels in a folder, a sixth of them stripes."""
    rng = np.random.default_rng(seed)
    labels = [NAMES[i % 6 == 0] for i in range(rows)]
    for i, label in enumerate(labels):
        pixels = rng.integers(0, 80, (32, 32, 3), dtype=np.uint8)
        if label == "square":
            top, left = rng.integers(2, 14, 2)
            pixels[top : top + 14, left : left + 14] += 150
        else:
            pixels[:, :: int(rng.integers(3, 6))] += 150
        Image.fromarray(pixels).save(f"{folder}/{i}.png")
    split = ["validation" if i % 5 == 4 else "train" for i in range(rows)]
    task = curate.Task(kind="classification", image="image", label="label", split="split", label_names=NAMES)
    columns = {"image": [f"{i}.png" for i in range(rows)], "label": labels, "split": split}
    return curate.load(columns, task=task, root=folder)


class Classifier(lightning.LightningModule):
    def __init__(self, classes):
        super().__init__()
        config = ViTConfig(
            image_size=32, patch_size=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, num_labels=classes,
        )  # fmt: skip
        self.model = ViTForImageClassification(config)
        self.right = []

    def forward(self, batch):
        return self.model(pixel_values=batch["pixel_values"]).logits

    def training_step(self, batch, index):
        # Soft labels, class weights and row weights count here, and the parts of an accumulated step add up.
        return self.trainer.datamodule.loss(self(batch), batch)

    def validation_step(self, batch, index):
        self.right += (self(batch).argmax(1) == batch["labels"]).tolist()

    def on_validation_epoch_end(self):
        self.accuracy, self.right = float(np.mean(self.right)), []

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=3e-3)


def main(folder):
    lightning.seed_everything(0, verbose=False)
    steps = [
        curate.steps.ClassWeights(),
        curate.steps.Augment(image=["HorizontalFlip", {"RandomBrightnessContrast": {"p": 0.5}}]),
    ]
    curated = curate.Pipeline(steps).run(table(folder))
    model = Classifier(len(curated.label_names))
    trainer = lightning.Trainer(
        max_epochs=6, accumulate_grad_batches=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        trainer.fit(model, datamodule=CuratedDataModule(curated, batch_size=8, mean=[0.5], std=[0.5]))
    print(f"accuracy {model.accuracy:.3f}")
    return {"accuracy": model.accuracy}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(f"usage: python {sys.argv[0]}")
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
