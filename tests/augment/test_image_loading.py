"""Albumentations is loaded without the hub's client and scipy's special functions; both are there when needed."""

import subprocess
import sys

import numpy as np
import pytest

from curate.augment.operations import image_library as library

LOADED = """
import sys
import numpy as np
from curate.augment.operations.image_library import library
A = library()
put_off = ("huggingface_hub", "scipy.special", "albumentations.pytorch")
assert not [name for name in put_off if name in sys.modules]
assert not [finder for finder in sys.meta_path if "image_loading" in type(finder).__module__]
import scipy.special
assert scipy.special.j1(0.0) == 0.0
assert A.RingingOvershoot(p=1)(image=np.zeros((32, 32, 3), np.uint8))["image"].shape == (32, 32, 3)
try:
    A.Compose.from_pretrained("nobody/nothing", local_files_only=True)
except Exception as error:
    assert type(error).__name__ == "LocalEntryNotFoundError", repr(error)
from albumentations.core import hub_mixin
assert hub_mixin.is_huggingface_hub_available is True
"""


def test_what_is_put_off_is_there_when_it_is_asked_for():
    pytest.importorskip("huggingface_hub")
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_the_transform_with_special_functions_does_the_same_as_by_itself():
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    transform = library.library().Compose([library.made("RingingOvershoot", {"p": 1.0})], seed=3)
    changed = transform(image=image)["image"]
    assert changed.shape == image.shape
    assert (changed != image).any()
