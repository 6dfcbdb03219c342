"""`curate audit --augment`: the section in every output, and pipeline files that are refused before the audit."""

import json

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from curate.cli import invoke
from curate.report import schema

OPTIONS = ("--checks", "exact_duplicates", "--encoder", "classic", "--no-cache")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = invoke(["audit", *map(str, arguments), *OPTIONS])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def digits(tmp_path):
    from sklearn.datasets import load_digits

    data = load_digits()
    for i in range(80):
        folder = tmp_path / "digits" / str(data.target[i] % 4)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((15.9 * data.images[i]).astype(np.uint8)).save(folder / f"{i}.png")
    (tmp_path / "digits" / "1" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    return tmp_path / "digits"


def test_images_from_end_to_end(cli, digits, tmp_path):
    (tmp_path / "p.yaml").write_text("curate: 1\nsteps:\n  - augment: {image: [HorizontalFlip]}\n  - mix\nseed: 4\n")
    code, out, err = cli(digits, "--augment", "p.yaml", "--html", "r.html", "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    Draft202012Validator(schema()).validate(made)
    found = made["augmentation"]
    assert (found["pipeline"], found["steps"], found["seed"]) == ("p.yaml", ["augment"], 4)
    assert len(found["sheet"]) == 8
    assert {row["label"] for row in found["sheet"]} == {"0", "1", "2", "3"}
    assert found["label_safety"][0]["operation"] == "HorizontalFlip"
    assert found["operations"][0]["rows"] == 40
    assert any("bad.png" in note or "can't be read" in note for note in found["notes"])
    page = (tmp_path / "r.html").read_text()
    section = page[page.index('<section id="augmentation">') :]
    section = section[: section.index("</section>")]
    assert section.count("data:image/png;base64,") == 48
    assert "http" not in section


def test_texts_are_escaped_and_summed_up_in_the_terminal(cli, tmp_path):
    lines = [f'"{HOSTILE} word{i} is here & there","{("<i>a</i>", "b")[i % 2]}"' for i in range(12)]
    (tmp_path / "d.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    (tmp_path / "p.yaml").write_text("curate: 1\nsteps: [{augment: {text: [swap_words, homophones]}}]\n")
    code, out, _ = cli("d.csv", "--augment", "p.yaml", "--html", "r.html")
    assert code == 0
    assert "homophones" in out[out.index("Augmentation") :]
    assert "100.0%" in out[out.index("Augmentation") :]
    page = (tmp_path / "r.html").read_text()
    assert HOSTILE not in page
    assert "<i>a</i>" not in page
    assert "&lt;i&gt;a&lt;/i&gt;" in page[page.index('<section id="augmentation">') :]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "p.yaml"),
        ("curate: 1\nsteps: [{augment: {txt: [swap_words]}}]\n", "did you mean 'text'"),
        ("curate: 1\nsteps: [exact_duplicates]\n", "no augment step"),
        ("curate: 1\nsteps: [{augment: {text: [swap_wrods]}}]\n", "did you mean 'swap_words'"),
        ("curate: 1\nsteps: [{augment: {image: [HorizontalFlip]}}]\n", "the task has text"),
        ("steps: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_pipeline_file_is_one_error_before_the_audit(cli, tmp_path, file, said):
    (tmp_path / "d.csv").write_text("text,label\n" + "\n".join(f"some words {i},{'ab'[i % 2]}" for i in range(9)))
    if file is not None:
        (tmp_path / "p.yaml").write_text(file)
    code, out, err = cli("d.csv", "--augment", "p.yaml")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
