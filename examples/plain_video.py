"""Train a tiny network on curated videos with nothing but PyTorch, stop in mid-epoch, and go on: offline, in seconds.

    python examples/plain_video.py

Clips of a bright spot that moves left or right. Needs the extras `video` and `trainers`.
"""

import sys
import tempfile

import av
import numpy as np
import torch
from torch import nn

import curate
from curate.feed.trainers import accumulate

NAMES = ("left", "right")


def table(folder, rows=48, seed=0):
    """Clips of 8 frames in a folder, a quarter of them to the left."""
    rng = np.random.default_rng(seed)
    labels = [NAMES[i % 4 != 0] for i in range(rows)]
    for i, label in enumerate(labels):
        with av.open(f"{folder}/{i}.mp4", "w") as container:
            stream = container.add_stream("mpeg4", rate=8)
            stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
            row = rng.integers(4, 20)
            for step in range(8):
                pixels = rng.integers(0, 40, (32, 64, 3), dtype=np.uint8)
                at = 6 * step if label == "right" else 42 - 6 * step
                pixels[row : row + 8, at + 4 : at + 14] = 230
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
    task = curate.Task(kind="classification", video="video", label="label", label_names=NAMES)
    return curate.load({"video": [f"{i}.mp4" for i in range(rows)], "label": labels}, task=task, root=folder)


class Network(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2)), nn.ReLU(), nn.AdaptiveAvgPool3d((4, 1, 8)))
        self.head = nn.Linear(8 * 4 * 8, classes)

    def forward(self, clips):
        return self.head(self.layers(clips.transpose(1, 2)).flatten(1))


def main(folder):
    torch.manual_seed(0)
    curated = curate.Pipeline([curate.steps.ClassWeights()]).run(table(folder))
    loss, model = curated.loss(name="focal", gamma=1), Network(len(curated.label_names))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    options = {"batch_size": 4, "image_size": [32, 64], "frames": 8}
    loader, seen, right = curated.loader(**options), [], 0
    for epoch in range(6):
        loader.set_epoch(epoch)
        seen, right = [], 0
        for number, group in enumerate(accumulate(loader, loss, steps=2)):
            for batch in group:
                logits = model(batch["pixel_values"])
                loss(logits, batch).backward()
                seen += batch["row_id"]
                right += int((logits.argmax(1) == batch["labels"]).sum())
            optimizer.step()
            optimizer.zero_grad()
            if (epoch, number) == (2, 2):
                # As after a crash: what is saved is plain values, and the batches that are left come from a new loader.
                state = loader.state_dict()
                break
        if epoch == 2:
            loader = curated.loader(**options)
            loader.load_state_dict(state)
            seen += [row for batch in loader for row in batch["row_id"]]
        assert sorted(seen) == sorted(curated.plan["row_id"].to_pylist()), "every draw once"
    print(f"accuracy in the last epoch {right / len(seen):.3f}")
    return {"accuracy": right / len(seen)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(f"usage: python {sys.argv[0]}")
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
