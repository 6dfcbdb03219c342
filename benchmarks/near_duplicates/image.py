"""Images: six everyday edits, beside CleanVision's method."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import curate
from benchmarks import _originals
from benchmarks.near_duplicates.scoring import Planted, score, show, timed
from curate.evidence import Evidence, EvidenceSettings

EDITS = ("crop", "flip", "turn", "light", "jpeg", "half")
ROWS = 200
WHOLE_PX = 320
"""Longest side of pictures of a folder that are taken whole."""
CLEANVISION = """
import json, sys
from cleanvision import Imagelab
lab = Imagelab(data_path=sys.argv[1], verbose=False)
lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, n_jobs=1, verbose=False)
sets = [lab.info[kind]["sets"] for kind in ("exact_duplicates", "near_duplicates")]
print("SETS" + json.dumps(sets[0] + sets[1]))
"""


def edited(picture: Image.Image, edit: str, rng: np.random.Generator) -> Image.Image:
    """The picture cropped to 90 % somewhere, mirrored, turned by 3 degrees, lit by 1.3, as JPEG 30, or at half size."""
    width, height = picture.size
    match edit:
        case "crop":
            w, h = round(0.9 * width), round(0.9 * height)
            x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return picture.crop((x, y, x + w, y + h))
        case "flip":
            return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        case "turn":
            return picture.rotate(float(rng.choice([-3, 3])), Image.Resampling.BILINEAR)
        case "light":
            return picture.point(lambda level: min(255, level * 1.3))
        case "jpeg":
            return picture
    return picture.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, edit: str) -> bytes:
    """A file: JPEG of quality 30 for the edit of that name, else PNG."""
    out = io.BytesIO()
    if edit == "jpeg":
        picture.save(out, "JPEG", quality=30)
    else:
        picture.save(out, "PNG")
    return out.getvalue()


def tiny(data: Path) -> list[Image.Image]:
    """Photographs of 32 pixels."""
    files = sorted((data / "cifar10n_3000" / "images").glob("*/*.jpg"))
    chosen = np.random.default_rng(0).permutation(len(files))[:ROWS]
    return [Image.open(files[i]).convert("RGB") for i in chosen]


def large(data: Path) -> list[Image.Image]:
    """Parts of 64 to 96 pixels of photographs and of film frames, none of which overlap."""
    from sklearn.datasets import load_sample_images

    parts = []
    for photo in [*load_sample_images().images, *_portrait(), *_frames(data)]:
        side = 96 if min(photo.shape[:2]) > 500 else 64
        for y in range(0, photo.shape[0] - side + 1, side):
            for x in range(0, photo.shape[1] - side + 1, side):
                parts.append(Image.fromarray(np.ascontiguousarray(photo[y : y + side, x : x + side])))
    shown = [part for part in parts if np.asarray(part.convert("L")).std() > 8]
    chosen = np.random.default_rng(0).permutation(len(shown))[:ROWS]
    return [shown[i] for i in chosen]


def _portrait() -> list[np.ndarray]:
    """The photograph that comes with matplotlib, where it is installed."""
    if not importlib.util.find_spec("matplotlib"):
        return []
    from matplotlib import cbook

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return [np.asarray(Image.open(file).convert("RGB"))]


def _frames(data: Path) -> list[np.ndarray]:
    """The first frame of each of the videos."""
    import av

    found = []
    for file in sorted((data / "video_scenes" / "originals").glob("*.mp4")):
        if "distorted" in file.name:
            continue
        with av.open(str(file)) as container:
            found.append(next(container.decode(video=0)).to_ndarray(format="rgb24"))
    return found


def by_curate(files: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs above curate's own threshold."""
    data = {"image": [{"bytes": content, "path": None} for content in files]}
    table = curate.load(data, task=curate.Task(image="image"))
    evidence = Evidence(table, EvidenceSettings(encoder="classic"))
    pairs = evidence.near_pairs()
    found = pairs.where(pairs.similarity >= pairs.threshold)
    copies = evidence.duplicate_groups()
    return _all_pairs([np.flatnonzero(copies == c) for c in np.unique(copies[copies >= 0])], found.left, found.right)


def _all_pairs(
    sets: list[np.ndarray], left: np.ndarray | None = None, right: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    lefts, rights = ([left], [right]) if left is not None and right is not None else ([], [])
    for members in sets:
        a, b = np.triu_indices(len(members), 1)
        lefts.append(members[a])
        rights.append(members[b])
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([*lefts, none]), np.concatenate([*rights, none])


def by_cleanvision(files: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that CleanVision itself puts into one set, run by the Python that `CLEANVISION_PYTHON` names."""
    import json

    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            suffix = "jpg" if content[:2] == b"\xff\xd8" else "png"
            (Path(folder) / f"{number:06d}.{suffix}").write_bytes(content)
        command = [os.environ["CLEANVISION_PYTHON"], "-c", CLEANVISION, folder]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sets = json.loads(said[said.index("SETS") + 4 :].splitlines()[0])
    return _all_pairs([np.array(sorted(int(Path(name).stem) for name in members)) for members in sets])


def by_its_method(files: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """CleanVision's method written anew: equal MD5 of the file, or equal 64-bit pHash."""
    keys: dict[str, list[int]] = {}
    for number, content in enumerate(files):
        keys.setdefault(hashlib.md5(content, usedforsecurity=False).hexdigest(), []).append(number)
        keys.setdefault(_phash(Image.open(io.BytesIO(content))), []).append(number)
    return _all_pairs([np.array(members) for members in keys.values() if len(members) > 1])


def _phash(picture: Image.Image) -> str:
    """ImageHash's `phash`: signs of the 8 x 8 lowest frequencies of 32 x 32 grey levels against their median."""
    if importlib.util.find_spec("imagehash"):
        import imagehash

        return str(imagehash.phash(picture))
    from scipy.fft import dct

    small = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
    low = dct(dct(small, axis=0), axis=1)[:8, :8]
    return np.packbits(low > np.median(low)).tobytes().hex()


def run(data: Path, folder: Path | None = None) -> None:
    """Print the table, of the shared data or of whole pictures of a folder.

    Of the shared data, pairs of originals that are called copies themselves count neither way. Of a folder all count:
    those that show the same are to be left out (`_originals`).
    """
    if folder is not None:
        _judge(f"pictures of {folder.name}", _originals.pictures(folder, WHOLE_PX), frozenset())
        return
    for name, pictures in (("32-pixel photographs", tiny), ("64- and 96-pixel photographs", large)):
        if not data.is_dir():
            print(f"  {name}: skipped, no data in {data}")
            continue
        _judge(name, pictures(data))


def _judge(name: str, originals: list[Image.Image], known: frozenset[tuple[int, int]] | None = None) -> None:
    files, planted = _planted(originals, known)
    if planted.known:
        print(f"  {len(planted.known)} pairs of originals are copies in the source already, and count neither way")
    print(f"  {name}: {len(originals)} originals, {len(files)} rows")
    methods = {"curate": by_curate, "CleanVision's method, anew": by_its_method}
    if "CLEANVISION_PYTHON" in os.environ:
        methods["CleanVision"] = by_cleanvision
    for method, find in methods.items():
        left, right, seconds = timed(partial(find, files))
        found = score(planted, left, right)
        show(method, found, seconds)
        print(f"  {'':<28} edits with a recall of at least 95 %: {sum(v >= 0.95 for v in found.recall.values())} of 6")


def _planted(
    originals: list[Image.Image], known: frozenset[tuple[int, int]] | None = None
) -> tuple[list[bytes], Planted]:
    """Files of the originals and of their copies, and what they are; `known` pairs by curate where not given."""
    rng = np.random.default_rng(1)
    copies = [[encoded(edited(p, edit, rng), edit) for p in originals] for edit in EDITS]
    files = [encoded(p, "") for p in originals]
    if known is None:
        known = frozenset((int(min(a, b)), int(max(a, b))) for a, b in zip(*by_curate(files), strict=True))
    return files + [content for made in copies for content in made], Planted.of(len(originals), EDITS, known)
