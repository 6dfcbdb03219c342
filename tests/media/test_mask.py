import io

import numpy as np
import pytest
from PIL import Image

from curate.media import image, mask
from curate.media.item import DecodeError

VALUES = np.arange(48, dtype=np.uint8).reshape(6, 8) % 5


def saved(picture, kind="PNG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def test_values_stand_as_in_the_file():
    palette = Image.fromarray(VALUES).convert("L").convert("P")
    palette.putdata(VALUES.ravel().tolist())
    palette.putpalette([10, 20, 30, 200, 0, 0, 0, 200, 0, 9, 9, 9, 1, 2, 3])
    assert np.array_equal(mask.decode(saved(palette)).values, VALUES)  # indices, not colours
    assert np.array_equal(mask.decode(saved(Image.fromarray(VALUES))).values, VALUES)
    wide = VALUES.astype(np.uint16) * 1000
    assert np.array_equal(mask.decode(saved(Image.fromarray(wide))).values, wide)
    bilevel = mask.decode(saved(Image.fromarray(VALUES > 2)))
    assert bilevel.values.tolist() == (VALUES > 2).astype(int).tolist()
    grey = np.repeat(VALUES[:, :, None], 3, 2)
    found = mask.decode(saved(Image.fromarray(grey)))
    assert np.array_equal(found.values, VALUES)
    assert not found.in_colour


def test_colours_are_one_value_each():
    red = np.zeros((4, 5, 3), np.uint8)
    red[1:, :, 0] = 255
    found = mask.decode(saved(Image.fromarray(red)))
    assert found.in_colour
    assert set(np.unique(found.values).tolist()) == {0, 255 << 16}


def test_masks_are_not_turned_by_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(VALUES), exif=exif)
    assert mask.decode(data).values.shape == (6, 8)
    assert image.decode(data).pixels.shape == (8, 6, 3)
    assert image.decode(data).orientation == 6


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (saved(Image.fromarray(VALUES))[:-20], "cut off"),
        (b"<html></html>", "HTML"),
        (saved(Image.fromarray(VALUES + 0.5), "TIFF"), "fractions"),
    ],
)
def test_what_is_no_mask_is_refused(data, reason):
    with pytest.raises(DecodeError, match=reason):
        mask.decode(data)
    with pytest.raises(DecodeError, match="max_pixels"):
        mask.decode(saved(Image.fromarray(VALUES)), max_pixels=47)


def test_orientation_and_transparency_of_images():
    rgba = np.full((10, 10, 4), 255, np.uint8)
    assert image.decode(saved(Image.fromarray(rgba))).transparency == 0
    rgba[:5, :, 3] = 0
    assert image.decode(saved(Image.fromarray(rgba))).transparency == pytest.approx(0.5)
    exif = Image.Exif()
    exif[0x0112] = 3
    jpeg = saved(Image.fromarray(rgba[:, :, :3]), "JPEG", exif=exif)
    assert image.decode(jpeg).orientation == 3
    exif[0x0112] = 77
    assert image.decode(saved(Image.fromarray(rgba[:, :, :3]), "JPEG", exif=exif)).orientation == 1
