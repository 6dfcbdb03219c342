import numpy as np
import pytest

from curate.augment.operations import build, known
from curate.errors import ConfigError, DataError

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


def test_nearly_all_transforms_are_there():
    names = known("image")
    assert len(names) == 92
    assert {"RandomResizedCrop", "HorizontalFlip", "ColorJitter", "GaussNoise", "CoarseDropout", "Affine"} <= set(names)


def test_equals_albumentations_with_the_same_seed():
    import albumentations

    operation = build("image", {"ColorJitter": {"brightness": [0.5, 1.5], "p": 1.0}})
    drawn = operation.draw(np.random.default_rng(3), IMAGE)
    peer = albumentations.ColorJitter(brightness=(0.5, 1.5), p=1.0)
    peer.set_random_seed(drawn["seed"])
    np.testing.assert_array_equal(operation.apply(IMAGE, drawn), peer(image=IMAGE)["image"])


def test_p_is_the_transforms_own():
    assert build("image", "HorizontalFlip").p == 0.5
    assert build("image", {"RandomResizedCrop": {"size": [8, 8]}}).p == 1.0
    assert build("image", {"HorizontalFlip": {"p": 0.1}}).p == 0.1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("HorizontalFlipp", "did you mean 'HorizontalFlip'"),
        ("horizontal_flip", "did you mean 'HorizontalFlip'"),
        ({"ColorJitter": {"brightnes": 0.3}}, "'brightnes'"),
        ({"HorizontalFlip": {"p": 3}}, "p: Input should be less than or equal to 1"),
        ({"MedianBlur": {"blur": 3}}, "'blur'"),
        ({"RandomResizedCrop": {"size": [224]}}, "size.1: Field required"),
        ("Resize", "height: Field required"),
        ("ToTensorV2", "feed makes the tensors"),
        ("FDA", "reference images"),
        ("CenterCrop3D", "unknown image operation"),
    ],
)
def test_wrong_names_and_parameters(spec, said):
    with pytest.raises(ConfigError) as caught:
        build("image", spec)
    assert said in str(caught.value)


def test_a_crop_larger_than_the_image_is_an_error_with_the_size():
    operation = build("image", {"RandomCrop": {"height": 64, "width": 64}})
    with pytest.raises(DataError, match="RandomCrop failed on an image of 52 x 40 pixels"):
        operation.apply(IMAGE, operation.draw(np.random.default_rng(0), IMAGE))


def test_grey_output_is_an_error():
    operation = build("image", {"ToGray": {"num_output_channels": 1, "p": 1.0}})
    with pytest.raises(DataError, match="not 8-bit RGB"):
        operation.apply(IMAGE, {"seed": 1})
