"""Recall of each edit and false pairs in 10,000, modality by modality.

    python -m benchmarks.near_duplicates [--data ../shared/data] [--only image,video] [--originals FOLDER]

Originals are real; of each one copy is made by each edit. All pairs of rows are counted: a pair is true where both rows
go back to one original, and false otherwise. Sets that are missing are skipped with a reason. `--originals` names a
folder of pictures that are the originals of images, instead of those of the shared data (`_originals`).
"""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from pathlib import Path

MODALITIES = ("image", "video", "text", "audio", "records")


def main() -> None:
    """Print the table of every modality."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CURATE_SHARED_DATA", shared)))
    parser.add_argument("--only", default=",".join(MODALITIES), help="modalities, separated by commas")
    parser.add_argument("--originals", type=Path, help="folder of pictures to take as originals of images")
    options = parser.parse_args()
    for modality in options.only.split(","):
        if modality not in MODALITIES:
            parser.error(f"no benchmark of {modality!r}; there are {', '.join(MODALITIES)}")
        here = Path(__file__).parent / f"{modality}.py"
        print(f"\n{modality}")
        if not here.exists():
            print("  skipped: no benchmark of this modality yet")
            continue
        more = {"folder": options.originals} if modality == "image" and options.originals else {}
        import_module(f"benchmarks.near_duplicates.{modality}").run(options.data, **more)


if __name__ == "__main__":
    main()
