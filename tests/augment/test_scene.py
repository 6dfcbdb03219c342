"""Masks, boxes and keypoints go where the image goes."""

import warnings

import numpy as np
import pytest

from curate.augment.operations import build
from curate.augment.operations import image_library as library
from curate.augment.operations.scene import Scene, from_corners, to_corners
from curate.errors import DataError
from curate.task import BoxFormat

SETTINGS = {
    "Crop": {"x_max": 40, "y_max": 40},
    "CropAndPad": {"px": 4},
    "LongestMaxSize": {"max_size": 40},
    "SmallestMaxSize": {"max_size": 40},
    "RandomCrop": {"height": 40, "width": 40},
    "CenterCrop": {"height": 40, "width": 40},
    "RandomSizedCrop": {"min_max_height": [30, 40], "size": [40, 40]},
    "RandomResizedCrop": {"size": [40, 40], "scale": [0.4, 1.0]},
    "Resize": {"height": 40, "width": 50},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 4},
    "TimeMasking": {"time_mask_param": 8},
    "FrequencyMasking": {"freq_mask_param": 8},
    "Affine": {"rotate": [-20, 20], "scale": [0.9, 1.1]},
    "Pad": {"padding": 6},
    "PadIfNeeded": {"min_height": 80, "min_width": 80},
    "XYMasking": {"num_masks_x": 1, "num_masks_y": 1, "mask_x_length": 6, "mask_y_length": 6},
    "CropNonEmptyMaskIfExists": {"height": 40, "width": 40},
    "ConstrainedCoarseDropout": {"mask_indices": [1]},
    "RandomSizedBBoxSafeCrop": {"height": 40, "width": 40},
    "AtLeastOneBBoxRandomCrop": {"height": 40, "width": 40},
    "ElasticTransform": {"alpha": 20, "sigma": 8},
    "GridDistortion": {"distort_limit": 0.1},
    "ThinPlateSpline": {"scale_range": [0.05, 0.1]},
    "Morphological": {"operation": "dilation", "scale": [2, 3]},
}
COVERS = {
    "ConstrainedCoarseDropout", "CoarseDropout", "Erasing", "GridDropout", "MaskDropout", "PixelDropout", "XYMasking",
    "TimeMasking", "FrequencyMasking", "RandomGridShuffle",
}  # fmt: skip
"""Transforms that cover or tear things, so that a box need not fit what is left of its object."""
DUAL = sorted(
    name
    for name in (*library.names(), *library.NEEDS)
    if issubclass(getattr(library.library(), name), library.library().DualTransform)
)


def scene(**more):
    """A white square on black, its mask, its box and its middle; and a second box and point in a corner."""
    image = np.zeros((64, 72, 3), np.uint8)
    image[20:36, 30:50] = 255
    mask = (image[..., 0] > 0).astype(np.uint8)
    boxes = np.array([[30, 20, 50, 36], [2, 2, 10, 8]], np.float32)
    return Scene(image, mask, boxes, np.array([[39.5, 27.5], [5, 5]], np.float32), **more)


@pytest.mark.parametrize("name", DUAL)
def test_everything_follows_the_image(name):
    operation = build("image", {name: {**SETTINGS.get(name, {}), "p": 1.0}})
    for seed in range(6):
        before = scene()
        changed = operation.apply(before, {"seed": seed * 977})
        height, width = changed.image.shape[:2]
        assert changed.mask.shape == (height, width)
        assert set(np.unique(changed.mask)) <= {0, 1}
        assert before.boxes.tolist() == scene().boxes.tolist()
        assert len(changed.boxes) == len(changed.box_numbers)
        assert len(changed.keypoints) == len(changed.keypoint_numbers)
        assert (changed.boxes[:, :2] >= 0).all()
        assert (changed.boxes[:, 2:] <= [width + 1e-3, height + 1e-3]).all()
        if name in COVERS:
            continue
        white = np.argwhere(changed.image[..., 0] > 127)
        if 0 in changed.box_numbers and len(white) > 40:
            box = changed.boxes[changed.box_numbers.tolist().index(0)]
            seen = [white[:, 1].min(), white[:, 0].min(), white[:, 1].max() + 1, white[:, 0].max() + 1]
            slack = 8 if name in ("Affine", "Rotate", "SafeRotate", "ShiftScaleRotate", "Perspective") else 3
            np.testing.assert_allclose(box, seen, atol=slack)
            assert np.abs((changed.image[..., 0] > 127).mean() - (changed.mask > 0).mean()) < 0.03
        if 0 in changed.keypoint_numbers and len(white) > 200:
            x, y = changed.keypoints[changed.keypoint_numbers.tolist().index(0)]
            assert np.hypot(*(white.mean(0)[::-1] - (x, y))) < 6 or len(white) < 320


@pytest.mark.parametrize("name", ["RandAugment", "TrivialAugment", "AugMix"])
def test_policies_take_the_parts_along(name):
    operation = build("image", {name: {"magnitude": 20}} if name == "RandAugment" else name)
    for seed in range(30):
        before = scene()
        changed = operation.apply(before, operation.draw(np.random.default_rng(seed), before))
        white = np.argwhere(changed.mask > 0)
        if 0 in changed.box_numbers and len(white) > 40:
            box = changed.boxes[changed.box_numbers.tolist().index(0)]
            seen = [white[:, 1].min(), white[:, 0].min(), white[:, 1].max() + 1, white[:, 0].max() + 1]
            np.testing.assert_allclose(box, seen, atol=8)
        if name == "AugMix":
            np.testing.assert_array_equal(changed.mask, before.mask)


@pytest.mark.parametrize("form", BoxFormat.__args__)
def test_boxes_keep_their_format(form):
    corners = np.array([[0.25, 0.5, 0.5, 0.75]], np.float32)
    boxes = from_corners(corners, form, 64, 80)
    np.testing.assert_allclose(to_corners(boxes, form, 64, 80), corners, atol=1e-6)
    flipped = build("image", {"HorizontalFlip": {"p": 1.0}}).apply(
        Scene(np.zeros((64, 80, 3), np.uint8), boxes=boxes, box_format=form), {"seed": 0}
    )
    expected = from_corners(np.array([[0.5, 0.5, 0.75, 0.75]], np.float32), form, 64, 80)
    np.testing.assert_allclose(flipped.boxes, expected, atol=1e-4)


def test_boxes_that_are_cut_off_are_clipped_or_left_out():
    crop = build("image", {"Crop": {"x_max": 40, "y_max": 64}})
    kept = crop.apply(scene(min_visibility=0.3), {"seed": 0})
    assert kept.box_numbers.tolist() == [0, 1]
    np.testing.assert_allclose(kept.boxes[0], [30, 20, 40, 36], atol=1e-3)
    assert crop.apply(scene(min_visibility=0.6), {"seed": 0}).box_numbers.tolist() == [1]
    assert kept.keypoint_numbers.tolist() == [0, 1]
    corner = build("image", {"Crop": {"x_max": 20, "y_max": 20}}).apply(scene(), {"seed": 0})
    assert corner.box_numbers.tolist() == [1]
    assert corner.keypoint_numbers.tolist() == [1]


def test_scenes_without_some_parts_or_objects():
    flip = build("image", {"HorizontalFlip": {"p": 1.0}})
    bare = flip.apply(Scene(scene().image), {"seed": 0})
    assert bare.mask is None
    assert bare.boxes is None
    none = flip.apply(Scene(scene().image, boxes=np.zeros((0, 4), np.float32)), {"seed": 0})
    assert none.boxes.shape == (0, 4)
    with pytest.raises(DataError, match="needs mask beside the image"):
        build("image", "MaskDropout").apply(Scene(scene().image), {"seed": 0})
    with pytest.raises(DataError, match="needs boxes beside the image"):
        build("image", "BBoxSafeRandomCrop").apply(scene().image, {"seed": 0})


def test_the_same_as_a_compose_of_the_library():
    """Boxes and masks as `Compose` moves them, for a transform with the same chance."""
    import albumentations

    from curate.augment.operations.chance import Stream

    operation = build("image", {"Affine": {"rotate": [-30, 30], "translate_percent": [-0.1, 0.1], "p": 1.0}})
    for seed in range(5):
        ours = operation.apply(scene(), {"seed": seed})
        stream = Stream()
        stream.begin(seed)
        peer = albumentations.Affine(rotate=(-30, 30), translate_percent=(-0.1, 0.1), p=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            both = albumentations.Compose(
                [peer], bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["n"])
            )
        peer.set_random_state(np.random.Generator(np.random.Philox(key=seed)), stream)
        before = scene()
        theirs = both(image=before.image, mask=before.mask, bboxes=before.boxes, n=[0, 1])
        np.testing.assert_array_equal(ours.image, theirs["image"])
        np.testing.assert_array_equal(ours.mask, theirs["mask"])
        assert ours.box_numbers.tolist() == [int(n) for n in theirs["n"]]
        np.testing.assert_allclose(ours.boxes, np.array(theirs["bboxes"]).reshape(-1, 4), atol=1e-3)
