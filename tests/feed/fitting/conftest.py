"""Makes the tiny sets and models of this folder importable by its tests and by the processes that they start."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
