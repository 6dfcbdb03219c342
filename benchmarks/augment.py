"""Throughput of augmentation per item, against calling the library directly, in one run.

    python -m benchmarks.augment [--only image] [--size 224] [--seconds 0.15] [--transform Affine]

For images: every transform of Albumentations that works on an image alone, once called as the library is (`direct`: the
transform itself, which draws from one generator that goes on; `compose`: in a `Compose`, as its documentation has it),
and once through a recipe, as the loader does it, with a generator of its own for every row. All draw the same numbers
for the same rows, and are timed in turns, of which the fastest counts. Transforms of a few microseconds have a ratio
below 1 to the direct call, as a recipe finds out which numbers are the row's.
For audio and text see `benchmarks.augment_audio` and `benchmarks.augment_text`, which this runs, too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
import warnings

import numpy as np

GIVEN = {
    "Affine": {"rotate": [-20, 20], "scale": [0.9, 1.1]},
    "Crop": {"x_max": 200, "y_max": 180},
    "CropAndPad": {"px": 8},
    "LongestMaxSize": {"max_size": 160},
    "SmallestMaxSize": {"max_size": 160},
    "RandomCrop": {"height": 160, "width": 160},
    "CenterCrop": {"height": 160, "width": 160},
    "RandomSizedCrop": {"min_max_height": [100, 160], "size": [160, 160]},
    "RandomResizedCrop": {"size": [224, 224]},
    "Resize": {"height": 160, "width": 160},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 5},
    "TimeMasking": {"time_mask_param": 30},
    "FrequencyMasking": {"freq_mask_param": 30},
    "Pad": {"padding": 8},
    "PadIfNeeded": {"min_height": 256, "min_width": 256},
    "XYMasking": {"num_masks_x": 2, "num_masks_y": 2, "mask_x_length": 20, "mask_y_length": 20},
}
WANTED = 0.9
TURNS = 12


def photograph(size: int) -> np.ndarray:
    """(size, size, 3) uint8 with edges, gradients and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    base = np.stack([x, y, (x + y) / 2], -1) * 160 + 40 * (np.sin(12 * x) > 0)[..., None]
    return np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8)


def through_recipe(name: str, parameters: dict, image: np.ndarray, rows: list[str]):
    """What the loader does for each row."""
    from curate.augment.recipe import Recipe

    made = Recipe.from_json(json.dumps([{"step": "augment", "image": [{name: {**parameters, "p": 1.0}}]}]))

    def slice_():
        for row in rows:
            made.apply("image", image, seed=1, epoch=0, row_id=row, copy=0, label="cat")

    return slice_


def through_library(transform, image: np.ndarray):
    """The transform, or a `Compose` of it, for each of some generators."""

    def slice_(chance):
        inner = transform.transforms[0] if hasattr(transform, "transforms") else transform
        for inner.random_generator, inner.py_random in chance:
            transform(image=image)

    return slice_


def chance_of(name: str, rows: list[str]):
    """The generators that a recipe gives to the transform for each row, so that all do the same work."""
    from curate.augment.operations.chance import Stream, philox
    from curate.augment.recipe.recipe import _key

    found = []
    for row in rows:
        seed = _key(f"1 0 0 {row}".encode(), f"augment[0].image[0].{name}".encode()) & (2**63 - 1)
        stream = Stream()
        stream.begin(seed)
        found.append((philox(seed), stream))
    return found


def compared(name: str, parameters: dict, image: np.ndarray, seconds: float) -> tuple[float, float, float]:
    """Seconds per image: directly, in a Compose, and ours, of this thread's time (others may use the machine, too)."""
    import albumentations

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = [
            getattr(albumentations, name)(**parameters, p=1.0),
            albumentations.Compose([getattr(albumentations, name)(**parameters, p=1.0)]),
        ]
    library = [through_library(kind, image) for kind in kinds]
    through_recipe(name, parameters, image, ["first"])()
    started = time.perf_counter()
    through_recipe(name, parameters, image, ["second", "third"])()
    once = (time.perf_counter() - started) / 2
    rows = [f"row-{i}" for i in range(min(2000, max(3, int(seconds / TURNS / max(once, 1e-6)))))]
    ours = through_recipe(name, parameters, image, rows)
    best = [float("inf")] * 3
    for _ in range(TURNS if once < 0.05 else 3):
        for place, call in enumerate(library):
            chance = chance_of(name, rows)
            began = time.thread_time()
            call(chance)
            best[place] = min(best[place], time.thread_time() - began)
        began = time.thread_time()
        ours()
        best[2] = min(best[2], time.thread_time() - began)
    return best[0] / len(rows), best[1] / len(rows), best[2] / len(rows)


def images(size: int, seconds: float, only: str | None = None) -> int:
    """Print a line per transform; the number of those below the wanted ratio."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations
    import cv2

    from curate.augment.operations.image_library import names

    cv2.setNumThreads(1)
    image = photograph(size)
    print(f"Albumentations {albumentations.__version__}, {size} x {size} pixels, microseconds per image\n")
    print(f"{'transform':28}{'direct':>10}{'compose':>10}{'ours':>10}{'to direct':>11}{'to compose':>12}")
    ratios = {}
    for name in [only] if only else names():
        one, two, ours = compared(name, GIVEN.get(name, {}), image, seconds)
        ratios[name] = one / ours, two / ours, one
        print(
            f"{name:28}{one * 1e6:10.1f}{two * 1e6:10.1f}{ours * 1e6:10.1f}{one / ours:11.2f}{two / ours:12.2f}"
            + ("  <" if one / ours < WANTED else ""),
            flush=True,
        )
    to_direct, to_compose = (np.array([ratio[i] for ratio in ratios.values()]) for i in (0, 1))
    low = [f"{name} {ratio[0]:.2f} ({ratio[2] * 1e6:.0f} us)" for name, ratio in ratios.items() if ratio[0] < WANTED]
    print(
        f"\n{len(ratios)} transforms; at least {WANTED} of the direct call: {(to_direct >= WANTED).sum()}, of Compose:"
        f" {(to_compose >= WANTED).sum()}; medians {np.median(to_direct):.2f}, {np.median(to_compose):.2f}"
    )
    if low:
        print("below: " + ", ".join(low))
    return len(low)


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("image", "audio", "text"), help="one modality; all if left out")
    parser.add_argument("--size", type=int, default=224, help="side of the image, in pixels")
    parser.add_argument("--transform", help="one transform alone")
    parser.add_argument("--seconds", type=float, default=0.15, help="time for each transform and way")
    given = parser.parse_args()
    if given.only in (None, "image"):
        images(given.size, given.seconds, given.transform)
    for part in ("audio", "text"):
        if given.only in (None, part):
            name = f"benchmarks.augment_{part}"
            if importlib.util.find_spec(name) is None:
                print(f"\n{part}: there is no {name}")
            else:
                print()
                importlib.import_module(name).main()


if __name__ == "__main__":
    main()
