"""The measures that come with the library, by the names of their fields."""

from __future__ import annotations

from curate.errors import ConfigError, nearest
from curate.evidence.measure import Measure
from curate.evidence.measures.audio import AudioStatistics
from curate.evidence.measures.audio_marks import AudioMarks
from curate.evidence.measures.audio_prints import AudioPrints
from curate.evidence.measures.audio_spectrum import AudioSpectrum
from curate.evidence.measures.features import FeaturesStatistics
from curate.evidence.measures.image import ImageStatistics
from curate.evidence.measures.image_marks import ImageMarks
from curate.evidence.measures.image_prints import ImagePrint
from curate.evidence.measures.series import SeriesStatistics
from curate.evidence.measures.series_marks import SeriesMarks
from curate.evidence.measures.text import TextLanguage, TextStatistics
from curate.evidence.measures.text_contacts import TextContacts
from curate.evidence.measures.text_marks import TextMarks, TextMojibake
from curate.evidence.measures.text_mixture import TextMixture
from curate.evidence.measures.text_repetition import TextRepetition
from curate.evidence.measures.text_shingles import TextShingles
from curate.evidence.measures.text_words import TextWords
from curate.evidence.measures.video import VideoStatistics
from curate.evidence.measures.video_prints import VideoPrint
from curate.evidence.measures.video_sharpness import VideoSharpness
from curate.evidence.measures.video_timeline import VideoTimeline

MEASURES: tuple[Measure, ...] = (
    ImageStatistics(),
    ImageMarks(),
    ImagePrint(),
    AudioStatistics(),
    AudioPrints(),
    AudioMarks(),
    AudioSpectrum(),
    VideoStatistics(),
    VideoTimeline(),
    VideoSharpness(),
    VideoPrint(),
    TextStatistics(),
    TextLanguage(),
    TextMixture(),
    TextMarks(),
    TextMojibake(),
    TextRepetition(),
    TextContacts(),
    TextShingles(),
    TextWords(),
    SeriesStatistics(),
    SeriesMarks(),
    FeaturesStatistics(),
)
FIELDS: dict[str, Measure] = {field: measure for measure in MEASURES for field in measure.fields}
"""Field -> the measure that gives it."""


def by_field(name: str) -> Measure:
    """The measure that gives a field. Raises ConfigError with the nearest known field."""
    if name not in FIELDS:
        raise ConfigError(f"there is no measure {name!r}{nearest(name, FIELDS)}; known: {', '.join(sorted(FIELDS))}")
    return FIELDS[name]
