"""Throughput of augmentation per item, against calling the library directly, in one run.

    python -m benchmarks.augment [--only image] [--size 224] [--seconds 2] [--transform Affine]

For images: every transform of Albumentations that works on an image alone, called as the library is (`direct`: the
transform itself, which draws from generators of its own that go on; `compose`: in a `Compose`, as its documentation
has it), and through a recipe, as the loader does it, where every row has numbers of its own. The three take turns of a
few milliseconds; a ratio is the median of those of all turns, in CPU time of this thread, so that what else the machine
does counts for little. Where a call takes more than 100 microseconds all three draw the same numbers, as the work can
depend on them (how many drops, how large a kernel); below, it is averaged over thousands of calls. The allocator is
told to keep what is freed: else it depends on who happens to lie last on the heap whether a call has to ask the system
for its pages, which can double its time, of any of the three.
For audio and text see `benchmarks.augment_audio` and `benchmarks.augment_text`, which this runs, too.
"""

from __future__ import annotations

import argparse
import ctypes
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
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
WANTED = 0.9
TURNS = 80
SLICE_SECONDS = 0.004
SAME_DRAWS_SECONDS = 100e-6


def photograph(size: int) -> np.ndarray:
    """(size, size, 3) uint8 with edges, gradients and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    base = np.stack([x, y, (x + y) / 2], -1) * 160 + 40 * (np.sin(12 * x) > 0)[..., None]
    return np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8)


def through_recipe(name: str, parameters: dict, image: np.ndarray):
    """What the loader does for some rows."""
    from curate.augment.recipe import Recipe

    made = Recipe.from_json(json.dumps([{"step": "augment", "image": [{name: {**parameters, "p": 1.0}}]}]))

    def call(rows: list[str]) -> None:
        for row in rows:
            made.apply("image", image, seed=1, epoch=0, row_id=row, copy=0, label="cat")

    return call


def through_library(transform, image: np.ndarray):
    """The transform, or a `Compose` of it, as many times as there are rows, with given generators if there are any."""
    inner = transform.transforms[0] if hasattr(transform, "transforms") else transform

    def call(rows: list) -> None:
        for chance in rows:
            if not isinstance(chance, str):
                inner.random_generator, inner.py_random = chance
            transform(image=image)

    return call


def chance_of(name: str, rows: list[str]) -> list[tuple]:
    """The generators that a recipe gives to the transform for each row, so that all do the same work."""
    from curate.augment.operations import build
    from curate.augment.operations.chance import Stream, sfc64
    from curate.augment.recipe import Recipe

    recipe = Recipe.from_json(json.dumps([{"step": "augment", "image": [{name: {**GIVEN.get(name, {}), "p": 1.0}}]}]))
    operation = build("image", {name: {**GIVEN.get(name, {}), "p": 1.0}})
    found = []
    for row in rows:
        seed = operation.drawn_by(recipe.key(recipe.stages[0].operations["image"][0], 1, 0, row, 0), None)["seed"]
        stream = Stream()
        stream.begin(seed)
        found.append((sfc64(seed), stream))
    return found


def compared(name: str, image: np.ndarray, seconds: float) -> tuple[float, float, float, float, float]:
    """Microseconds per image, directly, in a Compose, and ours; and how many times as fast as either ours is."""
    import albumentations

    parameters = GIVEN.get(name, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direct = getattr(albumentations, name)(**parameters, p=1.0)
        compose = albumentations.Compose([getattr(albumentations, name)(**parameters, p=1.0)], seed=1)
    direct.set_random_seed(1)
    calls = [through_library(direct, image), through_library(compose, image), through_recipe(name, parameters, image)]
    for call in calls:
        call(["first", "second"])
    once = min(timed(calls[0], ["third", "fourth"]) for _ in range(3)) / 2
    number = max(1, min(1000, int(SLICE_SECONDS / once)))
    turns = max(5, min(TURNS, int(seconds / (3 * number * once))))
    times = np.zeros((turns, 3))
    for turn in range(turns):
        rows = [f"row-{turn * number + i}" for i in range(number)]
        for place in np.roll([0, 1, 2], turn):  # each goes first in a third of the turns
            given = chance_of(name, rows) if place < 2 and once > SAME_DRAWS_SECONDS else rows
            times[turn, place] = timed(calls[place], given) / number
    mine = times[:, 2]
    return (*(np.median(times, axis=0) * 1e6), np.median(times[:, 0] / mine), np.median(times[:, 1] / mine))


def keep_what_is_freed() -> None:
    """Where the C library is glibc: no page goes back to the system between calls."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_TRIM_THRESHOLD, 1 << 30)
        library.mallopt(M_MMAP_THRESHOLD, 1 << 25)


def timed(call, rows: list) -> float:
    """CPU seconds of this thread."""
    began = time.thread_time()
    call(rows)
    return time.thread_time() - began


def images(size: int, seconds: float, only: str | None = None) -> int:
    """Print a line per transform; the number of those below the wanted ratio."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations
    import cv2

    from curate.augment.operations.image_library import names

    cv2.setNumThreads(1)
    keep_what_is_freed()
    image = photograph(size)
    print(f"Albumentations {albumentations.__version__}, {size} x {size} pixels, microseconds per image\n")
    print(f"{'transform':28}{'direct':>10}{'compose':>10}{'ours':>10}{'to direct':>11}{'to compose':>12}")
    ratios = {}
    for name in [only] if only else names():
        one, two, ours, to_one, to_two = compared(name, image, seconds)
        ratios[name] = to_one, to_two, one
        low = "  <" if to_one < WANTED else ""
        print(f"{name:28}{one:10.1f}{two:10.1f}{ours:10.1f}{to_one:11.2f}{to_two:12.2f}{low}", flush=True)
    to_direct, to_compose = (np.array([ratio[i] for ratio in ratios.values()]) for i in (0, 1))
    low = [f"{name} {ratio[0]:.2f} ({ratio[2]:.0f} us)" for name, ratio in ratios.items() if ratio[0] < WANTED]
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
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each transform and way")
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
