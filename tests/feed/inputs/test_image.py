"""Pixels in a batch: bytes or floats, images of several sizes, and where an image comes to lie in its frame."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.feed.inputs.image import pixel_entries
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.placement import Placement
from curate.media.image import encode_png


def pictures(*sizes, seed=0, **columns):
    rng = np.random.default_rng(seed)
    pixels = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    cells = [{"bytes": encode_png(one), "path": None} for one in pixels]
    task = {"kind": "classification", "label": "y", "label_names": ("a", "b")} if columns else {"kind": "unlabeled"}
    return table({"image": cells, **columns}, image="image", **task), pixels


def batch_of(of, labels=None, recipe=None, **options):
    kind = None if labels is None else "classification"
    loader = make_loader(of, plan(of, labels, kind=kind, recipe=recipe), **{"sampler": "sequential"} | options)
    [batch] = loader
    return batch, loader


def test_bytes_are_normalised_where_they_are_used():
    of, pixels = pictures((6, 5), (6, 5))
    settings = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
    floats, loader = batch_of(of, **settings)
    assert loader.inputs[0].normalization is None
    batch, loader = batch_of(of, pixels="uint8", **settings)
    assert batch["pixel_values"].dtype == torch.uint8
    np.testing.assert_array_equal(batch["pixel_values"], np.stack(pixels).transpose(0, 3, 1, 2))
    mean, std = (torch.from_numpy(one)[:, None, None] for one in loader.inputs[0].normalization)
    torch.testing.assert_close((batch["pixel_values"] / 255 - mean) / std, floats["pixel_values"], atol=1e-5, rtol=1e-5)
    mean, std = batch_of(of, pixels="uint8", mean=[0.5])[1].inputs[0].normalization
    assert (mean.tolist(), std.tolist()) == ([0.5] * 3, [1.0] * 3)
    assert mean.dtype == std.dtype == np.float32


def test_mixed_bytes_are_rounded():
    of, _ = pictures(*[(6, 5)] * 4, y=["a", "b"] * 2)
    mix = json.dumps([{"step": "mix", "mixup_alpha": 1.0, "cutmix_alpha": 1.0}])
    floats, _ = batch_of(of, ["a", "b"] * 2, recipe=mix)
    batch, _ = batch_of(of, ["a", "b"] * 2, recipe=mix, pixels="uint8")
    torch.testing.assert_close(batch["pixel_values"] / 255, floats["pixel_values"], atol=0.501 / 255, rtol=0)
    torch.testing.assert_close(batch["soft_labels"], floats["soft_labels"])


@pytest.mark.parametrize("pixels", ["float32", "uint8"])
def test_images_of_several_sizes_are_padded_with_a_mask(pixels):
    of, given_pixels = pictures((6, 5), (4, 9))
    batch, loader = batch_of(of, different_sizes="pad", pixels=pixels, mean=[0.5], std=[0.5])
    assert loader.inputs[0].size is None
    assert batch["pixel_values"].shape == (2, 3, 6, 9)
    assert batch["pixel_mask"].dtype == torch.int64
    assert batch["pixel_mask"].sum((1, 2)).tolist() == [30, 36]
    for values, mask, own in zip(batch["pixel_values"], batch["pixel_mask"], given_pixels):
        height, width = own.shape[:2]
        assert mask[:height, :width].all()
        assert (values[:, mask == 0] == (128 if pixels == "uint8" else 0)).all()
        shown = values[:, :height, :width].numpy()
        shown = shown if pixels == "uint8" else np.rint((shown * 0.5 + 0.5) * 255)
        np.testing.assert_array_equal(shown, own.transpose(2, 0, 1))


def test_lists_of_images_and_what_is_refused():
    of, given_pixels = pictures((6, 5), (4, 9))
    batch, _ = batch_of(of, different_sizes="list")
    assert [tuple(one.shape) for one in batch["pixel_values"]] == [(3, 6, 5), (3, 4, 9)]
    np.testing.assert_array_equal((batch["pixel_values"][1] * 255).round(), given_pixels[1].transpose(2, 0, 1))
    moved, _ = batch_of(of, different_sizes="list", num_workers=1)
    assert all(torch.equal(a, b) for a, b in zip(batch["pixel_values"], moved["pixel_values"]))
    with pytest.raises(ConfigError, match="pass image_size, or different_sizes='pad'"):
        batch_of(of, image_size="native")


def test_images_keep_their_proportions_within_a_size():
    of, _ = pictures((40, 20), (20, 40), (30, 30))
    batch, _ = batch_of(of, image_size=(24, 32), fit="within", different_sizes="pad")
    assert batch["pixel_values"].shape == (3, 3, 24, 32)
    assert [(int(m.any(1).sum()), int(m.any(0).sum())) for m in batch["pixel_mask"]] == [(24, 12), (16, 32), (24, 24)]


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    fit=st.sampled_from(["squash", "letterbox", "crop", "within"]),
)
def test_image_mask_and_corners_get_the_same_frame(height, width, size, fit):
    placement = Placement.of(height, width, size, fit)
    image = placement.pixels(np.full((height, width, 3), 200, np.uint8))
    mask = placement.classes(np.full((height, width), 3, np.int32), -100)
    assert image.shape[:2] == mask.shape == placement.canvas
    np.testing.assert_array_equal(image[..., 0] == 200, mask == 3)
    assert set(np.unique(mask)) <= {3, -100}
    if fit != "within":
        assert placement.canvas == size
    corners = placement.corners(np.array([[0, 0, 1, 1]], np.float32)).clip(0, 1)[0]
    down, across = np.flatnonzero((mask == 3).any(1)), np.flatnonzero((mask == 3).any(0))
    seen = [across[0], down[0], across[-1] + 1, down[-1] + 1]
    np.testing.assert_allclose(corners * np.tile(placement.canvas[::-1], 2), seen, atol=1e-3)


def test_frames_of_several_sizes_are_padded_alike():
    clips = [np.full((2, 6, 4, 3), 255, np.uint8), np.full((2, 3, 8, 3), 255, np.uint8)]
    found = pixel_entries("pixel_values_videos", clips, ["a", "b"], InputOptions(different_sizes="pad"))
    assert found["pixel_values_videos"].shape == (2, 2, 3, 6, 8)
    mask = found["pixel_mask_videos"]
    np.testing.assert_array_equal(found["pixel_values_videos"], np.broadcast_to(mask[:, None, None], (2, 2, 3, 6, 8)))
    assert mask.sum((1, 2)).tolist() == [24, 24]
