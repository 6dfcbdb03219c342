"""The contact sheet: items beside their draws, within the budget, on the page, in the terminal and in JSON."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from curate.findings import Findings
from curate.report import Report, schema
from curate.report.augmentation import Augmentation, LabelSafety, OperationEffect, SheetDraw, SheetRow
from curate.report.charts import safety
from curate.report.previews.drawn import changed_text, drawn_previews
from curate.report.previews.item import Budget, LeftOut
from curate.report.sheet import Augmented, lines

LARGE = Budget(10_000_000)


def written(text):
    return "".join(f"[{one.text}]" if one.marked else f"-{one.text}-" if one.gone else one.text for one in text.start)


def safe(operation, strength, share, step="augment"):
    return LabelSafety(
        step=step,
        operation=operation,
        modality="image",
        strength=strength,
        draws=100,
        left=round(100 * share),
        share=share,
        low=max(0.0, share - 0.1),
        high=min(1.0, share + 0.1),
    )


@pytest.fixture
def augmented():
    """Two rows of noise images, three draws each; a flip that leaves the class and a blur that does nothing."""
    rng = np.random.default_rng(0)
    sheet, previews = [], []
    for row, label in enumerate(("cat", "dog")):
        images = rng.integers(0, 255, (4, 300, 200, 3)).astype(np.uint8)
        draws = [SheetDraw(epoch=i, changed=i > 0, done=["Flip: angle 9"] * (i > 0)) for i in range(3)]
        sheet.append(SheetRow(row=row, row_id=f"r{row}", label=label, modality="image", draws=draws))
        previews.append(tuple(drawn_previews("image", images[0], images[1:], LARGE)))
    effects = [
        OperationEffect(
            step="augment", place="p0", operation="Flip", modality="image", rows=40, unchanged=0, unchanged_share=0
        ),
        OperationEffect(
            step="augment",
            place="p1",
            operation="Blur",
            modality="image",
            rows=40,
            unchanged=30,
            unchanged_share=0.75,
            why="too small",
        ),
    ]
    facts = Augmentation(
        pipeline="p.yaml",
        steps=["augment"],
        seed=7,
        operations=effects,
        label_safety=[safe("Flip", 0.5, 0.02), safe("Flip", 1.0, 0.4), safe("Blur", 1.0, 0.0)],
        sheet=sheet,
        notes=["mix is left out"],
    )
    return Augmented(facts, tuple(previews))


@pytest.fixture
def report(animals, augmented):
    return Report(animals, Findings.join([]), augmented=augmented)


def test_words_that_are_new_and_words_that_are_gone():
    assert written(changed_text("a red fox ran", "a blue fox ran off")) == "a -red-[blue] fox ran[ off]"
    assert written(changed_text("the same", "the same")) == "the same"
    assert written(changed_text("今天天气很好", "今天天汽很好")) == "今天天-气-[汽]很好"


def test_a_long_text_begins_before_its_first_change_and_says_what_is_left_out():
    before = " ".join(f"word{i}" for i in range(300))
    shown = changed_text(before, before.replace("word150", "other"))
    assert "-word150-[other]" in written(shown)
    assert shown.before > 800
    assert shown.cut > 500
    assert shown.before + len("".join(one.text for one in shown.start)) + shown.cut == len(before) + len("other")


def test_contact_data_stay_hidden_when_a_slip_spoils_them():
    before = "please write to john.smith@example.com today"
    shown = written(changed_text(before, before.replace("john.smith@ex", "jphn.smitg ex")))
    for part in ("john", "smith", "jphn", "smitg"):
        assert part not in shown
    assert "please write to" in shown
    assert "today" in shown


def test_sounds_stand_on_one_scale():
    t = np.arange(8000) / 8000
    loud = np.sin(2 * np.pi * 2000 * t, dtype=np.float32)[None]
    original, quiet, silent = drawn_previews(
        "audio", (0.9 * loud, 8000), [(0.09 * loud, 8000), (0 * loud, 8000)], Budget(1_000_000)
    )
    assert original.peak_db - quiet.peak_db == pytest.approx(20, abs=0.1)
    assert silent.peak_db is None

    def height(sound):
        strokes = [one.split("V") for one in sound.path.split("M")[1:]]
        return max(float(low) - float(high.split()[1]) for high, low in strokes)

    assert height(original) > 8 * height(quiet)

    def pixels(sound):
        encoded = sound.spectrogram.partition(",")[2]
        return np.asarray(Image.open(BytesIO(base64.b64decode(encoded)))).astype(int)

    assert pixels(original).max() == 63
    assert 40 < pixels(quiet).max() < 50
    assert pixels(silent).max() == 0
    brightest = pixels(original).mean(1).argmax()
    assert brightest == pytest.approx(48 * (1 - np.log1p(2000 / 700) / np.log1p(4000 / 700)), abs=2)


def test_a_very_short_sound_has_no_spectrogram():
    shown = drawn_previews("audio", (np.ones((1, 3), np.float32), 8000), [(np.zeros((1, 0), np.float32), 8000)], LARGE)
    assert [one.spectrogram for one in shown] == [None, None]
    assert shown[1].seconds == 0


def test_videos_series_vectors_and_records():
    frames = np.zeros((6, 16, 16, 3), np.uint8)
    shown = drawn_previews("video", frames, [frames[:0], frames], LARGE)
    assert [one.kind for one in shown] == ["video", "broken", "video"]
    assert len(shown[0].frames) == 6
    low, high = drawn_previews("series", np.zeros((2, 9)), [np.full((2, 9), 5.0)], LARGE)
    assert (low.low, low.high, high.low, high.high) == (0, 0, 5, 5)
    assert low.paths != high.paths
    assert drawn_previews("features", np.ones(4), [np.full(4, np.nan)], LARGE)[1].gaps == 4
    was, now = drawn_previews("features", np.array([1.0, np.nan]), [np.array([2.0, np.nan])], LARGE, ["a", "b"])
    assert not any(cell.marked for cell in was.cells)
    assert [(cell.value, cell.other) for cell in now.cells] == [("2", "1"), ("–", None)]


def test_the_page_shows_rows_and_numbers(report, tmp_path):
    report.to_html(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert 'href="#augmentation"' in page
    assert page.count("data:image/jpeg;base64,") == 8
    assert page.count("<figure") >= 8
    assert "Flip</bdi> takes 40.0% of its draws out of their class (30.0% to 50.0%)" in page
    assert "epochs 0 to 2 of a run with seed 7" in page
    assert "Flip: angle 9" in page
    assert "too small" in page
    assert "mix is left out" in page


def test_the_sheet_keeps_to_the_budget_of_the_page(report, augmented, tmp_path):
    report.to_html(tmp_path / "r.html", max_bytes=0)
    page = (tmp_path / "r.html").read_text()
    assert "data:image" not in page
    assert page.count("not shown, to keep the page small") == 8
    sizes = [len(one.uri) for shown in augmented.previews for one in shown]
    budget = Budget(sum(sizes[:5]))
    shown = [one for line in lines(augmented, budget) for one in (line.original, *(p for _, p in line.draws))]
    assert budget.left < max(sizes)
    assert 4 <= sum(not isinstance(one, LeftOut) for one in shown) <= 6


def test_json_holds_the_same_numbers(report):
    made = json.loads(report.to_json())
    Draft202012Validator(schema()).validate(made)
    assert made["augmentation"]["label_safety"][1]["share"] == 0.4
    assert made["augmentation"]["operations"][1]["unchanged"] == 30
    assert made["augmentation"]["sheet"][0]["draws"][1] == {"epoch": 1, "changed": True, "done": ["Flip: angle 9"]}


def test_the_terminal_sums_it_up(report, animals):
    text = str(report)
    assert "Augmentation" in text
    assert [line.split() for line in text.splitlines() if line.startswith(("Flip", "Blur"))] == [
        ["Flip", "0.0%", "40.0%", "30.0%", "–", "50.0%"],
        ["Blur", "75.0%", "0.0%", "0.0%", "–", "10.0%"],
    ]
    assert max(map(len, text.splitlines())) <= 80
    assert "Augmentation" not in str(Report(animals, Findings.join([])))


def test_lines_of_label_safety_go_by_operation_and_as_written_first():
    found = safety([safe("a", 0.5, 0), safe("a", 1.0, 0.5), safe("b", 1.0, 0.1), safe("a", 1.0, 0.2, "augment#2")])
    assert [(one.line.step, one.line.operation, one.line.strength, one.first, one.over) for one in found] == [
        ("augment", "a", 1.0, True, True),
        ("augment", "a", 0.5, False, False),
        ("augment", "b", 1.0, True, False),
        ("augment#2", "a", 1.0, True, True),
    ]
