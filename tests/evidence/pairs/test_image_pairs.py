"""Near-duplicate images: six everyday edits are found, in sets of tiny and of large pictures; what is alike is not."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

import curate
from curate.checks.leakage import Leakage
from curate.checks.near_duplicates import NearDuplicates
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.pairs import _pictures, image
from curate.evidence.pairs._likeness import likeness
from curate.evidence.pairs._pictures import Pictures, _compared_in_full, described

EDITS = ("crop", "flip", "turn", "light", "jpeg", "half")


def edited(picture, edit, rng):
    """A (h, w, 3) uint8 picture after an edit."""
    made = Image.fromarray(picture)
    width, height = made.size
    if edit == "crop":
        w, h = round(0.9 * width), round(0.9 * height)
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        made = made.crop((x, y, x + w, y + h))
    elif edit == "flip":
        made = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    elif edit == "turn":
        made = made.rotate(float(rng.choice([-3, 3])), Image.Resampling.BILINEAR)
    elif edit == "light":
        made = made.point(lambda level: min(255, level * 1.3))
    elif edit == "jpeg":
        made.save(out := io.BytesIO(), "JPEG", quality=30)
        made = Image.open(out).convert("RGB")
    else:
        made = made.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    return np.asarray(made)


def png(picture):
    Image.fromarray(picture).save(out := io.BytesIO(), "PNG")
    return {"bytes": out.getvalue(), "path": None}


def evidence_of(pictures, **columns):
    roles = {name: name for name in columns if name in ("split", "group", "label")}
    data = {"image": [png(picture) for picture in pictures], **columns}
    table = curate.load(data, task=curate.Task(image="image", **roles))
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def tiny_photographs(shared_data, count):
    folder = shared_data / "cifar10n_3000" / "images"
    files = sorted(folder.glob("*/*.jpg"))
    chosen = np.random.default_rng(0).permutation(len(files))[:count]
    return [np.asarray(Image.open(files[i]).convert("RGB")) for i in chosen]


def large_photographs():
    """Parts of two photographs, 160 pixels a side."""
    from sklearn.datasets import load_sample_images

    return [
        np.ascontiguousarray(photo[y : y + 160, x : x + 160])
        for photo in load_sample_images().images
        for y in range(0, photo.shape[0] - 159, 160)
        for x in range(0, photo.shape[1] - 159, 160)
    ]


def figures(originals, threshold=None):
    """Recall of each edit and the number of false pairs."""
    rng = np.random.default_rng(1)
    n = len(originals)
    pictures = [*originals, *(edited(p, edit, rng) for edit in EDITS for p in originals)]
    pairs = evidence_of(pictures).near_pairs()
    found = pairs.where(pairs.similarity >= (pairs.threshold if threshold is None else threshold))
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    same = low % n == high % n
    recall = {edit: np.unique(high[same & (low < n) & (high // n == k)]).size / n for k, edit in enumerate(EDITS, 1)}
    # Unrelated to the edits: pairs that the originals make among themselves are copies in the source.
    known = set(zip(low[~same & (high < n)].tolist(), high[~same & (high < n)].tolist(), strict=True))
    false = [(a % n, b % n) for a, b in zip(low[~same].tolist(), high[~same].tolist(), strict=True)]
    return recall, sum((min(pair), max(pair)) not in known for pair in false), len(pictures)


def test_six_edits_of_tiny_photographs(shared_data):
    recall, false, n = figures(tiny_photographs(shared_data, 40))
    assert min(recall.values()) >= 0.95, recall
    assert false <= 1e-4 * n * (n - 1) / 2


def test_six_edits_of_large_photographs():
    recall, false, n = figures(large_photographs())
    assert min(recall.values()) >= 0.93, recall  # one of 16 is missing
    assert np.mean(list(recall.values())) >= 0.96, recall
    assert false <= 1e-4 * n * (n - 1) / 2


def test_different_digits_are_no_pairs_and_edited_ones_are():
    from sklearn.datasets import load_digits

    scans = [np.rint(s * (255 / 16)).astype(np.uint8) for s in load_digits().images[:200]]
    large = [np.asarray(Image.fromarray(s).resize((32, 32), Image.Resampling.BICUBIC).convert("RGB")) for s in scans]
    rng = np.random.default_rng(0)
    noisy = [np.clip(p + rng.normal(0, 4, p.shape), 0, 255).astype(np.uint8) for p in large[:20]]
    shifted = [np.roll(p, 1, axis=1) for p in large[20:40]]
    evidence = evidence_of([*large, *noisy, *shifted])
    pairs = evidence.near_pairs()
    found = pairs.where(pairs.similarity >= pairs.threshold)
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    true = (high >= 200) & (low == high - 200)
    assert true.sum() >= 38
    assert (~true).sum() <= 4
    assert pairs.threshold > 0.95


def test_blank_pictures_make_no_pairs():
    rng = np.random.default_rng(0)
    blank = [np.full((40, 40, 3), level, np.uint8) for level in (0, 90, 200)]
    grainy = [np.clip(120 + rng.normal(0, 0.6, (40, 40, 3)), 0, 255).astype(np.uint8) for _ in range(6)]
    assert not len(evidence_of([*blank, *grainy]).near_pairs())


def test_comparison_gives_what_the_search_gave(shared_data):
    originals = tiny_photographs(shared_data, 12)
    rng = np.random.default_rng(0)
    evidence = evidence_of([*originals, *(edited(p, "crop", rng) for p in originals)])
    pairs = evidence.near_pairs()
    np.testing.assert_allclose(image.compare(evidence, pairs.left, pairs.right), pairs.similarity, atol=2e-3)
    np.testing.assert_allclose(image.compare(evidence, pairs.right, pairs.left), pairs.similarity, atol=2e-3)


def test_mirrored_copies_across_splits_leak(shared_data):
    originals = tiny_photographs(shared_data, 20)
    pictures = [*originals, *(p[:, ::-1].copy() for p in originals[:5])]
    evidence = evidence_of(pictures, split=["train"] * 20 + ["test"] * 5)
    lines = Leakage().find(evidence).flagged.to_pylist()
    assert {line["row"] for line in lines} == set(range(5))
    assert "correlation of the aligned images" in lines[0]["reason"]
    assert "leakage from test into train" in lines[0]["reason"]


def test_a_reason_names_similarity_and_threshold(shared_data):
    originals = tiny_photographs(shared_data, 10)
    evidence = evidence_of([*originals, edited(originals[0], "jpeg", np.random.default_rng(0))])
    [line] = NearDuplicates().find(evidence).flagged.to_pylist()
    assert "correlation of the aligned images 0.9" in line["reason"]
    assert "threshold 0.910" in line["reason"]


def test_many_rows_are_searched_by_an_index(monkeypatch, shared_data):
    pytest.importorskip("faiss")
    from curate.evidence.pairs import _nearest

    originals = tiny_photographs(shared_data, 80)
    pictures = [*originals, *(p[:, ::-1].copy() for p in originals)]
    exact = evidence_of(pictures).near_pairs()
    monkeypatch.setattr(_nearest, "EXACT_ROWS", 10)
    indexed = evidence_of(pictures).near_pairs()
    sure = partial(lambda pairs: {*zip(*(a[pairs.similarity > 0.95].tolist() for a in (pairs.left, pairs.right)))})
    assert len(sure(exact) & sure(indexed)) >= 0.98 * len(sure(exact)) > 60


def test_another_thing_before_the_same_background_is_no_copy(shared_data):
    backgrounds, things = large_photographs()[:12], tiny_photographs(shared_data, 24)
    y, x = np.mgrid[:64, :64]
    round_ = (y - 32) ** 2 + (x - 32) ** 2 < 32**2
    pictures = []
    for place, background in enumerate(backgrounds):
        for thing in things[2 * place : 2 * place + 2]:
            shown = background.copy()
            part = shown[50:114, 60:124]
            part[round_] = np.asarray(Image.fromarray(thing).resize((64, 64)))[round_]
            pictures.append(shown)
    evidence = evidence_of(pictures)
    one, other = np.arange(0, 24, 2), np.arange(1, 24, 2)
    alike = image.compare(evidence, one, other) >= image.MIN_SIMILARITY
    same = image.compare(evidence_of([*pictures, *(edited(p, "jpeg", None) for p in pictures)]), one, one + 24)
    assert alike.mean() <= 0.25
    assert (same >= image.MIN_SIMILARITY).all()


def screens(count):
    """Drawings of light grey panels with dark lines on white, as of windows, 160 pixels a side."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        page = np.full((160, 160), 255, np.uint8)
        for top in range(8, 150, 36):
            left, wide = int(rng.integers(4, 60)), int(rng.integers(50, 95))
            page[top : top + 30, left : left + wide] = rng.integers(205, 236)
            for line in range(top + 4, top + 28, 8):
                start = int(rng.integers(0, 70))
                page[line : line + 3, start : start + int(rng.integers(20, 85))] = rng.integers(20, 90)
        made.append(np.repeat(page[:, :, None], 3, 2))
    return made


def alike_as_they_lie(one, other):
    """(p,) likeness of pictures as they lie."""
    prints, spread = prints_of([*one, *other])
    left, right = np.split(prints.astype(np.float32), 2)
    return likeness(left, right, np.ones(left.shape, dtype=bool), np.minimum(*np.split(spread, 2)))


def test_greys_that_light_turned_white_do_not_tell_copies_apart():
    pages = screens(16)
    lit = [edited(page, "light", None) for page in pages]
    assert (alike_as_they_lie(pages, lit) >= image.MIN_SIMILARITY).mean() >= 0.8  # half, as they are
    assert (alike_as_they_lie(lit, pages) >= image.MIN_SIMILARITY).mean() >= 0.8
    assert (alike_as_they_lie(pages, lit[1:] + lit[:1]) < 0.8).all()


def test_what_is_darker_in_one_picture_stays_a_difference():
    pages = screens(16)
    changed = [page.copy() for page in pages]
    for page in changed:
        page[60:100, 60:100] = 40
    lit = [edited(page, "light", None) for page in changed]
    assert (alike_as_they_lie(pages, lit) < image.MIN_SIMILARITY).all()
    assert (alike_as_they_lie(pages, changed) < image.MIN_SIMILARITY).all()


def test_only_what_both_pictures_show_is_compared(shared_data):
    """Crops at each corner: what is left out on one side alone changes nothing."""
    originals = tiny_photographs(shared_data, 30)
    crops = [p[(k // 2 % 2) * 3 :, (k % 2) * 3 :][:29, :29] for k, p in enumerate(originals)]
    evidence = evidence_of([*originals, *(np.ascontiguousarray(crop) for crop in crops)])
    assert (image.compare(evidence, np.arange(30), np.arange(30, 60)) >= image.MIN_SIMILARITY).mean() >= 0.95


def test_pictures_that_are_all_given_up_are_unlike():
    rng = np.random.default_rng(0)
    prints = rng.integers(-90, 90, (2, 70, 64, 64), dtype=np.int8)
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (70, 1, 1))
    assert not _compared_in_full(*prints, maps, np.full(70, 40, dtype=np.float32)).any()


def prints_of(pictures):
    """The (n, 64, 64) prints of pictures and the (n,) spread of their luma."""
    evidence = evidence_of(pictures)
    return evidence.measure("image.print"), evidence.measure("image.print_spread")


def test_most_candidates_that_are_no_copies_never_reach_the_full_side(monkeypatch, shared_data):
    originals = tiny_photographs(shared_data, 300)
    pictures = Pictures.of(*prints_of([*originals, *(p[:, ::-1].copy() for p in originals[:60])]))
    left, right = pictures.candidates()
    full = []

    def counted(fixed, *more):
        full.append(len(fixed))
        return _compared_in_full(fixed, *more)

    monkeypatch.setattr(_pictures, "_compared_in_full", counted)
    similarity = pictures.similarity(left, right)
    copies = (left < 60) & (right == left + 300)
    assert copies.sum() == 60
    assert (similarity[copies] >= image.MIN_SIMILARITY).all()
    assert 0 < sum(full) - 60 <= 0.35 * (~copies).sum()


def test_what_is_made_of_a_print_does_not_hang_on_the_others():
    rng = np.random.default_rng(0)
    prints = rng.integers(-90, 90, (700, 64, 64), dtype=np.int8)
    spread = np.full(700, 40, dtype=np.float32)
    whole = Pictures.of(prints, spread)
    for some in (np.arange(3, 600), np.arange(699, -1, -7), np.array([41])):
        part, taken = Pictures.of(prints[some], spread[some]), whole.some(some)
        assert np.array_equal(part.small, taken.small)
        assert np.array_equal(part.middle, taken.middle)
        assert np.array_equal(part.queries, taken.queries)
        assert np.array_equal(described(prints[some]), taken.queries)
