"""label_errors of segmentation masks: planted faults in masks of digits beside a model's probabilities."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

import curate
from curate.checks.label_errors import LabelErrors
from curate.checks.labels.masks import Masks
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence, EvidenceSettings

NAMES = ("background", "low", "high")
SIDE = 48
ROWS = 120


def digits(rows=ROWS):
    """Pictures of digits and their true masks: the strokes of 0 to 4 are class 1, of 5 to 9 class 2."""
    from scipy import ndimage
    from sklearn.datasets import load_digits

    data = load_digits()
    for picture, digit in zip(data.images[:rows], data.target[:rows]):
        large = ndimage.zoom(picture, SIDE / 8, order=1)
        yield (large * 15.9).clip(0, 255).astype(np.uint8), np.where(large > 6, 1 + (digit > 4), 0)


def probabilities(mask, rng, classes=3, sure=0.85):
    """What a good model says: right inside, unsure and now and then wrong by a pixel along the edges."""
    from scipy import ndimage

    moved = np.roll(mask, rng.integers(-1, 2, 2), (0, 1))
    hot = np.eye(classes)[moved].transpose(2, 0, 1)
    soft = np.stack([ndimage.gaussian_filter(plane, 0.7) for plane in hot])
    noisy = sure * soft + (1 - sure) / classes + rng.uniform(0, 0.05, soft.shape)
    return (noisy / noisy.sum(0)).astype(np.float32)


def faults(mask, kind, rng):
    if kind == "swapped":
        return np.where(mask > 0, 3 - mask, 0)
    if kind == "shifted":
        return np.roll(mask, (8, -8)[int(rng.integers(2))], int(rng.integers(2)))
    cut = mask.copy()  # missing: the upper half of the strokes is not labelled
    lines = np.flatnonzero(mask.any(1))
    cut[: int(lines.mean())] = 0
    return cut


def png(array):
    out = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def write(folder, planted=(), arrays=None, save=np.save):
    """A set on disk; row -> kind of the planted fault."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks", "model"):
        (folder / kind).mkdir()
    lines = ["image,mask,model"]
    wrong = {}
    for row, (picture, mask) in enumerate(digits()):
        says = probabilities(mask, rng)
        if row in planted:
            wrong[row] = ("swapped", "shifted", "missing")[len(wrong) % 3]
            mask = faults(mask, wrong[row], rng)
        (folder / "images" / f"{row}.png").write_bytes(png(picture))
        (folder / "masks" / f"{row}.png").write_bytes(png(mask))
        save(folder / "model" / f"{row}.npy", (arrays or {}).get(row, says))
        lines.append(f"images/{row}.png,masks/{row}.png,model/{row}.npy")
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return wrong


def judged(path, **roles):
    roles = {"probabilities": "model", "label_names": NAMES, **roles}
    table = curate.load(path, **roles)
    evidence = Evidence(table, EvidenceSettings(encoder="classic", workers=1))
    found = LabelErrors().find(evidence)
    return {line["row"]: line["reason"] for line in found.flagged.to_pylist()}, found, evidence


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    wrong = write(folder, planted=set(range(0, ROWS, 5)))
    return wrong, *judged(folder / "data.csv"), folder


def test_planted_faults_are_found_and_nothing_else(planted):
    wrong, flagged, found, evidence, _ = planted
    assert evidence.table.task.kind == "segmentation"
    assert len(found) == ROWS
    assert len(set(flagged) & set(wrong)) >= 0.95 * len(wrong)
    assert len(set(flagged) - set(wrong)) <= 0.02 * ROWS
    facts = found.facts["label_errors"]
    assert facts["method"] == "cleanlab.segmentation"
    assert facts["issues"] == len(flagged)
    assert facts["pixels"] == ROWS * SIDE * SIDE
    assert facts["not_judged"] == {"rows": 0, "reasons": {}}
    named = {pair["given"]: pair["suggested"] for pair in facts["confusions"]}
    assert set(named) <= set(NAMES)
    for row in set(flagged) & set(wrong):
        if wrong[row] == "swapped":
            assert "swapped classes" in flagged[row]
        if wrong[row] == "missing":
            assert "labelled 'background'" in flagged[row]
            assert "an overlooked part" in flagged[row]
    score = dict(zip(found.table["row"].to_pylist(), found.table["score"].to_pylist()))
    assert max(score[row] for row in wrong) < np.median([score[row] for row in score if row not in wrong])


def test_scores_and_pixels_are_cleanlab_s(planted):
    from cleanlab.segmentation.filter import find_label_issues
    from cleanlab.segmentation.rank import get_label_quality_scores

    _, _, found, _, folder = planted
    values = np.stack([np.load(folder / "model" / f"{row}.npy") for row in range(ROWS)])
    masks = np.stack([np.asarray(Image.open(folder / "masks" / f"{row}.png")) for row in range(ROWS)]).astype(int)
    theirs, _ = get_label_quality_scores(masks, values, verbose=False)
    np.testing.assert_allclose(found.table["score"].to_pylist(), theirs, atol=1e-5)
    pixels = int(find_label_issues(masks, values, n_jobs=1, verbose=False).sum())
    assert abs(found.facts["label_errors"]["pixels_flagged"] - pixels) <= 3  # equal probabilities at the bound


class Payload:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of a file was run')",)


def test_arrays_that_cannot_be_used_are_named_and_the_rest_is_judged(tmp_path):
    wrong = write(tmp_path, planted={40, 50, 60})
    model = tmp_path / "model"
    good = np.load(model / "0.npy")
    spoilt = good.copy()
    spoilt[0, 3, 3] = np.nan
    np.save(model / "1.npy", spoilt)
    np.save(model / "2.npy", good[:, :40])
    np.save(model / "3.npy", np.concatenate([good * 0.9, good[:1] * 0.1]))
    (model / "4.npy").unlink()
    np.save(model / "5.npy", np.array([Payload()], dtype=object), allow_pickle=True)
    (model / "6.npy").write_bytes((model / "6.npy").read_bytes()[:900])
    np.save(model / "7.npy", 10 * good - 4)
    np.save(model / "8.npy", good.transpose(1, 2, 0))
    (model / "9.npy").write_bytes(b"<html>not found</html>")
    with (model / "10.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (3, 2_000_000, 2_000_000)}
        )
    np.save(model / "11.npy", (good * 255).astype(np.uint8))
    np.save(model / "12.npy", good * 0.5)
    outside = tmp_path.parent / f"{tmp_path.name}.npy"
    np.save(outside, good)
    lines = (tmp_path / "data.csv").read_text().replace("model/13.npy", f"../{outside.name}")
    (tmp_path / "data.csv").write_text(lines.replace("model/14.npy", ""))
    flagged, found, evidence = judged(tmp_path / "data.csv")
    assert set(wrong) == set(flagged)
    assert len(found) == ROWS - 14
    ids = evidence.table.row_ids
    why = found.facts["label_errors"]["not_judged"]
    assert why["rows"] == 14
    for row, part in {
        1: "1 of the numbers are NaN", 2: "the array is 3 x 40 x 48, the mask 48 x 48 px", 3: "of 4 classes, most are",
        4: "does not exist", 5: "holds object", 6: "cut off", 7: "probabilities are needed (the softmax of scores)",
        8: "classes come first", 9: "neither an .npy nor an .npz file", 10: "more than the limits", 11: "holds uint8",
        12: "sum to 0.5", 13: "outside", 14: "there are none",
    }.items():  # fmt: skip
        assert part in why["reasons"][str(ids[row])], row
    assert any(note.startswith("label_errors: 14 rows are not judged (") for note in evidence.notes)


def test_archives_half_precision_and_masks_of_two_values(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for row, (picture, mask) in enumerate(digits(60)):
        says = probabilities((mask > 0).astype(int), rng, classes=2)
        given = np.where(mask > 0, 255, 0)
        if row in (7, 30):
            given[:24] = 0
        (tmp_path / f"{row}.jpg").write_bytes(png(picture))
        (tmp_path / f"{row}_mask.png").write_bytes(png(given))
        if row % 3 == 0:
            np.savez_compressed(tmp_path / f"{row}.npz", probabilities=says.astype(np.float16), other=np.zeros(3))
        elif row % 3 == 1:
            np.savez(tmp_path / f"{row}.npz", says[1])  # of the object alone
        else:
            np.savez(tmp_path / f"{row}.npz", np.asfortranarray(says.astype(np.float64)))
        rows.append({"image": f"{row}.jpg", "mask": f"{row}_mask.png", "model": f"{row}.npz"})
    with zipfile.ZipFile(tmp_path / "9.npz", "w") as archive:
        archive.writestr("a.npy", b"no array")
        archive.writestr("b.npy", b"no array")
    data = curate.load({key: [r[key] for r in rows] for key in rows[0]}, root=tmp_path, probabilities="model")
    evidence = Evidence(data, EvidenceSettings(encoder="classic", workers=1))
    assert Masks(evidence).object_value == 255
    found = LabelErrors().find(evidence)
    assert set(found.flagged["row"].to_pylist()) == {7, 30}
    reasons = found.facts["label_errors"]["not_judged"]["reasons"]
    assert list(reasons.values()) == ["the .npz file holds 'a', 'b'; call the array 'probabilities'"]


def test_lists_in_the_table_and_pixels_that_do_not_count(tmp_path):
    rng = np.random.default_rng(0)
    images, masks, model = [], [], []
    for row, (picture, mask) in enumerate(digits(30)):
        says = probabilities(mask, rng)
        mask = mask.copy()
        mask[:6] = 255  # whatever the model says there
        if row == 11:
            mask = np.where((mask == 1) | (mask == 2), 3 - mask, mask)
        images.append(png(picture))
        masks.append(png(mask))
        model.append(says.tolist() if row != 12 else [[[0.5, 0.5], [1.0]]])
    table = curate.load(
        {"image": images, "mask": masks, "model": model}, image="image", mask="mask", probabilities="model",
        label_names=["low", "high"],
    )  # fmt: skip
    found = LabelErrors().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    assert found.flagged["row"].to_pylist() == [11]
    assert found.flagged["reason"][0].as_py() == (
        "42.6% of the pixels are doubted; 817 of them around (26, 25) px are labelled 'high' (probability 0.07, doubted"
        " up to 0.10) and look like 'low' (0.85), in 1 region at least 3 px across: swapped classes"
    )
    assert list(found.facts["label_errors"]["not_judged"]["reasons"].values()) == ["the lists are of different lengths"]


def test_what_is_refused_and_what_to_bring(tmp_path):
    task = curate.Task(kind="segmentation", image="image", mask="mask")
    assert "name its column in the task's probabilities (paths of .npy files" in LabelErrors().refuses(task)
    with_output = task.model_copy(update={"probabilities": "model"})
    assert LabelErrors().refuses(with_output) is None
    assert "which has no method" in LabelErrors(method="neighbours").refuses(with_output)
    assert "no column of them" in LabelErrors().refuses(curate.Task(kind="segmentation", image="image"))
    write(tmp_path)
    with pytest.raises(ConfigError, match="are of 3 classes, and the label names are 5: a, b, c, d, e"):
        judged(tmp_path / "data.csv", label_names=list("abcde"))
    lines = (tmp_path / "data.csv").read_text().replace("model/", "nowhere/")
    (tmp_path / "data.csv").write_text(lines)
    with pytest.raises(DataError, match="none of the 120 files in the column 'model' can be used"):
        judged(tmp_path / "data.csv")


def test_a_run_and_one_row(tmp_path):
    wrong = write(tmp_path, planted={3, 8})
    table = curate.load(tmp_path / "data.csv", probabilities="model", label_names=NAMES)
    curated = curate.Pipeline([{"label_errors": {"fix": "drop"}}]).run(table, out=tmp_path / "out", cache=None)
    assert len(curated.dataset) == ROWS - len(wrong)
    kept = curate.open(tmp_path / "out").table
    found = LabelErrors().find(Evidence(kept, EvidenceSettings(encoder="classic", workers=1)))
    assert set(found.flagged["row"].to_pylist()) == set(wrong)
    one = curate.load(
        {"image": ["images/0.png"], "mask": ["masks/0.png"], "model": ["model/0.npy"]}, root=tmp_path,
        probabilities="model",
    )  # fmt: skip
    found = LabelErrors().find(Evidence(one, EvidenceSettings(encoder="classic", workers=1)))
    assert found.flagged.num_rows == 0
    assert len(found) == 1
    none = curate.load(
        {"image": ["images/0.png"], "mask": ["masks/0.png"], "model": [None]}, root=tmp_path, probabilities="model"
    )
    found = LabelErrors().find(Evidence(none, EvidenceSettings(encoder="classic", workers=1)))
    assert len(found) == 0
    assert list(found.facts["label_errors"]["not_judged"]["reasons"].values()) == ["there are none"]


def test_a_folder_of_arrays_beside_images_and_masks_is_found(tmp_path):
    wrong = write(tmp_path, planted={3, 8, 30})
    (tmp_path / "data.csv").unlink()
    (tmp_path / "model").rename(tmp_path / "probabilities")
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.probabilities) == ("segmentation", "probabilities")
    assert not any(".npy" in note for note in table.notes)
    found = LabelErrors().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    files = [table.column("image")[row].as_py()["path"] for row in found.flagged["row"].to_pylist()]
    assert {int(file.removeprefix("images/").removesuffix(".png")) for file in files} == set(wrong)
