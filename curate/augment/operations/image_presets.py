"""Presets: lists of image operations under one name, for kinds of images."""

from __future__ import annotations

from typing import Any

LIGHT = [
    {"HorizontalFlip": {"p": 0.5}},
    {"RandomBrightnessContrast": {"brightness_limit": 0.1, "contrast_limit": 0.1, "p": 0.5}},
    {"Affine": {"scale": [0.95, 1.05], "translate_percent": [-0.03, 0.03], "rotate": [-5, 5], "p": 0.5}},
]
MEDIUM = [
    {"HorizontalFlip": {"p": 0.5}},
    {"Affine": {"scale": [0.85, 1.15], "translate_percent": [-0.08, 0.08], "rotate": [-12, 12], "p": 0.7}},
    {"ColorJitter": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.03, "p": 0.7}},
    {"GaussianBlur": {"sigma_limit": [0.1, 1.0], "p": 0.1}},
    {"CoarseDropout": {"num_holes_range": [1, 2], "hole_height_range": [0.05, 0.15],
                       "hole_width_range": [0.05, 0.15], "p": 0.2}},
]  # fmt: skip
STRONG = [
    {"HorizontalFlip": {"p": 0.5}},
    {"Affine": {"scale": [0.7, 1.3], "translate_percent": [-0.15, 0.15], "rotate": [-25, 25],
                "shear": [-10, 10], "p": 0.8}},
    {"RandAugment": {"count": 2, "magnitude": 12}},
    {"GaussianBlur": {"sigma_limit": [0.1, 2.0], "p": 0.2}},
    {"GaussNoise": {"std_range": [0.02, 0.1], "p": 0.2}},
    {"CoarseDropout": {"num_holes_range": [1, 4], "hole_height_range": [0.1, 0.25],
                       "hole_width_range": [0.1, 0.25], "p": 0.5}},
]  # fmt: skip
DOCUMENT = [
    {"Affine": {"scale": [0.95, 1.05], "rotate": [-3, 3], "shear": [-2, 2], "fill": 255, "p": 0.7}},
    {"Perspective": {"scale": [0.01, 0.03], "fill": 255, "p": 0.3}},
    {"RandomBrightnessContrast": {"brightness_limit": 0.15, "contrast_limit": 0.2, "p": 0.5}},
    {"Illumination": {"intensity_range": [0.01, 0.1], "p": 0.3}},
    {"GaussianBlur": {"sigma_limit": [0.1, 0.8], "p": 0.2}},
    {"GaussNoise": {"std_range": [0.01, 0.05], "p": 0.2}},
    {"ImageCompression": {"quality_range": [40, 90], "p": 0.3}},
    {"ToGray": {"p": 0.1}},
]
MEDICAL = [
    {"Affine": {"scale": [0.9, 1.1], "translate_percent": [-0.05, 0.05], "rotate": [-10, 10], "p": 0.7}},
    {"ElasticTransform": {"alpha": 30, "sigma": 6, "p": 0.2}},
    {"RandomBrightnessContrast": {"brightness_limit": 0.1, "contrast_limit": 0.1, "p": 0.5}},
    {"RandomGamma": {"gamma_limit": [85, 115], "p": 0.3}},
    {"GaussNoise": {"std_range": [0.01, 0.03], "p": 0.2}},
]
NATURAL = [
    {"HorizontalFlip": {"p": 0.5}},
    {"Affine": {"scale": [0.8, 1.2], "translate_percent": [-0.1, 0.1], "rotate": [-10, 10],
                "border_mode": 4, "p": 0.7}},
    {"ColorJitter": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.05, "p": 0.7}},
    {"RandomShadow": {"p": 0.1}},
    {"ImageCompression": {"quality_range": [50, 95], "p": 0.2}},
    {"ToGray": {"p": 0.05}},
]  # fmt: skip

PRESETS: dict[str, list[dict[str, Any]]] = {
    "light": LIGHT,
    "medium": MEDIUM,
    "strong": STRONG,
    "document": DOCUMENT,
    "medical": MEDICAL,
    "natural": NATURAL,
}
"""Name -> operations.

========  ==============================================================================================================
light     flip, 5 degrees, 10 % of brightness: hardly to be noticed; for small sets and fine classes
medium    flip, 12 degrees, 15 % of scale, colour, a little blur, small holes: a start for objects
strong    25 degrees, 30 % of scale, RandAugment, noise, blur, large holes: for long training of large models
document  3 degrees, paper white, light, compression, noise; no flip, as letters would be mirrored
medical   10 degrees, slight elastic change, gamma, noise; no flip (sides of the body) and no colour (it is a finding)
natural   flip, scale with mirrored borders, weather of light and colour, compression: photographs of scenes
========  ==============================================================================================================
"""
