"""The measures that come with the library, by the names of their fields."""

from __future__ import annotations

from curate.errors import ConfigError, nearest
from curate.evidence.measure import Measure
from curate.evidence.measures.audio import AudioStatistics
from curate.evidence.measures.features import FeaturesStatistics
from curate.evidence.measures.image import ImageHash, ImageStatistics
from curate.evidence.measures.series import SeriesStatistics
from curate.evidence.measures.text import TextLanguage, TextStatistics
from curate.evidence.measures.video import VideoHash, VideoStatistics

MEASURES: tuple[Measure, ...] = (
    ImageStatistics(),
    ImageHash(),
    AudioStatistics(),
    VideoStatistics(),
    VideoHash(),
    TextStatistics(),
    TextLanguage(),
    SeriesStatistics(),
    FeaturesStatistics(),
)
FIELDS: dict[str, Measure] = {field: measure for measure in MEASURES for field in measure.fields}
"""Field -> the measure that gives it."""


def by_field(name: str) -> Measure:
    """The measure that gives a field. Raises ConfigError with the nearest known field."""
    if name not in FIELDS:
        raise ConfigError(f"there is no measure {name!r}{nearest(name, FIELDS)}; known: {', '.join(sorted(FIELDS))}")
    return FIELDS[name]
