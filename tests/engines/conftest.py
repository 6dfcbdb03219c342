"""Tests of engines share a stand-in for Ray and measures that workers import."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
