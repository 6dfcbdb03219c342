"""Broken inputs: each gives the promised finding or one sentence and its exit code, never a traceback.

The list: missing path, empty folder, truncated PNG, HTML named .jpg, empty WAV, image that promises 2.5 gigapixels,
ragged CSV line, unclosed quote, UTF-16, Latin-1, NUL byte, duplicate column, broken JSON line, climbing path, link
that leaves the root, NaN and infinity in vectors, one class, three rows, labels all missing, mixed labels, pickled NPZ,
damaged Parquet, duplicate ids, unknown label column, foreign output folder, hostile text in the report, YAML tag, YAML
bomb, misspelt setting, unknown check, unreadable gate.
"""

import io
import json
import struct
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.cli import invoke

WORDS = [
    "card",
    "payment",
    "transfer",
    "refund",
    "account",
    "balance",
    "cash",
    "machine",
    "top",
    "up",
    "exchange",
    "rate",
    "pin",
    "lost",
    "stolen",
]


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Run one command in an empty folder; gives its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = invoke([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def audit(cli, tmp_path):
    """Audit something; gives the flagged findings by row id and reason."""

    def call(data, *options):
        found = tmp_path / "found.parquet"
        code, _, err = cli("audit", data, "--findings", found, "--encoder", "classic", "--no-cache", *options)
        assert code == 0, err
        lines = pq.read_table(found).to_pylist()
        return [line for line in lines if line["is_issue"]], lines

    return call


def texts(n=24, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 6)) for _ in range(n)]


def csv(path, lines, header="text,label", encoding="utf-8"):
    path.write_bytes("\n".join([header, *lines]).encode(encoding) + "\n".encode(encoding).removeprefix(b"\xff\xfe"))
    return path


def rows(n=24):
    return [f"{text},{'ab'[i % 2]}" for i, text in enumerate(texts(n))]


def png(value=0, size=16):
    from PIL import Image

    rng = np.random.default_rng(value)
    data = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (size, size, 3), dtype=np.uint8)).save(data, "PNG")
    return data.getvalue()


def images(folder, n=12):
    for i in range(n):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(i))
    return folder


def reasons(flagged, check):
    return [line["reason"] for line in flagged if line["check"] == check]


def fails(result, code, *words):
    got, _, err = result
    assert got == code, err
    assert err.startswith("curate: ") or "Usage" in err
    for word in words:
        assert word in err
    return err


def test_missing_path(cli):
    fails(cli("audit", "nowhere.csv"), 3, "nowhere.csv")


def test_empty_folder(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    fails(cli("audit", "empty"), 3, "empty")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.png", png(1, 64)[:1500]),
        ("page.jpg", b"<!DOCTYPE html><html><body>404</body></html>"),
        ("zero.png", b""),
        (
            "bomb.png",
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
                for t, d in [(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)), (b"IEND", b"")]
            ),
        ),
    ],
)
def test_broken_image_is_a_finding(audit, tmp_path, name, content):
    folder = images(tmp_path / "set")
    (folder / "a" / name).write_bytes(content)
    flagged, _ = audit(folder)
    [reason] = reasons(flagged, "unreadable")
    assert reason


def test_empty_wav_is_a_finding(audit, tmp_path):
    import soundfile

    folder = tmp_path / "set"
    for i in range(12):
        path = folder / "ab"[i % 2] / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(i).normal(0, 0.1, 4000), 8000)
    (folder / "a" / "empty.wav").write_bytes(b"")
    flagged, _ = audit(folder)
    assert len(reasons(flagged, "unreadable")) == 1


@pytest.mark.parametrize("line", ["too,many,fields", "too few", 'an unclosed "quote', 'x "y,a'])
def test_ragged_line_is_a_finding_with_its_line(audit, tmp_path, line):
    path = csv(tmp_path / "d.csv", [*rows(10), line, *rows(10)])
    flagged, lines = audit(path)
    if "quote" not in line and '"' not in line:
        [reason] = reasons(flagged, "unreadable")
        assert "line 12" in reason
    assert len({line["row"] for line in lines}) == 21


def test_unclosed_quote_at_the_start_of_a_field(audit, tmp_path):
    path = csv(tmp_path / "d.csv", [*rows(10), '"never closed,a', *rows(10)])
    flagged, _ = audit(path)
    assert any("line 12" in reason for reason in reasons(flagged, "unreadable"))


def test_utf16_with_mark_reads_as_text(audit, tmp_path):
    path = csv(tmp_path / "d.csv", rows(), encoding="utf-16")
    _, lines = audit(path)
    assert len({line["row"] for line in lines}) == 24


def test_latin1_is_read_and_said(cli, tmp_path):
    csv(tmp_path / "d.csv", [*rows(), "café münchen naïve,a"], encoding="latin-1")
    code, out, err = cli("audit", "d.csv", "--encoder", "classic", "--no-cache", "--json")
    assert code == 0, err
    assert "1252" in out or "latin" in out.lower()


def test_nul_byte_is_a_finding(audit, tmp_path):
    path = csv(tmp_path / "d.csv", [*rows(10), "a\0b,a", *rows(10)])
    flagged, _ = audit(path)
    assert any("line 12" in reason for reason in reasons(flagged, "unreadable"))


def test_duplicate_column_is_named(cli, tmp_path):
    csv(tmp_path / "d.csv", ["x,a,b"], header="text,label,label")
    code, _, err = cli("audit", "d.csv")
    assert code in (2, 3)
    assert "'label'" in err


def test_broken_json_line_is_a_finding(audit, tmp_path):
    path = tmp_path / "d.jsonl"
    good = [json.dumps({"text": t, "label": "ab"[i % 2]}) for i, t in enumerate(texts())]
    path.write_text("\n".join([*good[:5], '{"text": "cut', *good[5:]]))
    flagged, lines = audit(path)
    [reason] = reasons(flagged, "unreadable")
    assert "line 6" in reason
    assert len({line["row"] for line in lines}) == 25


def test_climbing_paths_and_links_are_findings_and_never_read(audit, tmp_path):
    folder = images(tmp_path / "set")
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(99))
    (folder / "link.png").symlink_to(secret)
    names = [f"{'ab'[i % 2]}/{i}.png" for i in range(12)]
    bad = ["../secret.png", str(secret), "link.png", "a/none.png", "a"]
    csv(folder / "meta.csv", [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names + bad)], header="file,label")
    flagged, _ = audit(folder / "meta.csv")
    assert len(reasons(flagged, "unreadable")) == len(bad)


def test_nan_and_infinity_in_vectors(audit, tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    x[3, 1], x[7, 2] = np.nan, np.inf
    np.savez(tmp_path / "d.npz", X=x, y=np.arange(40) % 2)
    flagged, lines = audit(tmp_path / "d.npz")
    assert {3, 7} <= {line["row"] for line in flagged}
    assert all(np.isfinite(line["score"]) for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{t},same" for t in texts()],
        [f"{t},{'ab'[i % 2]}" for i, t in enumerate(texts(3))],
        [f"{t}," for t in texts()],
    ],
    ids=["one class", "three rows", "no labels"],
)
def test_degenerate_sets_are_audited(audit, tmp_path, lines):
    _, found = audit(csv(tmp_path / "d.csv", lines), "--label", "label", "--text", "text")
    assert len({line["row"] for line in found}) == len(lines)


def test_mixed_labels_are_reported_and_case_is_not_merged(audit, tmp_path):
    labels = ["cat"] * 10 + [" cat"] + ["Cat"] + ["dog"] * 10
    path = csv(tmp_path / "d.csv", [f"{t},{label}" for t, label in zip(texts(22), labels)])
    flagged, _ = audit(path)
    spelled = [line for line in flagged if line["check"] == "label_spelling"]
    assert {10, 11} <= {line["row"] for line in spelled}
    assert any(line["suggested_label"] == "cat" for line in spelled if line["row"] == 11)


def test_pickled_npz_is_refused(cli, tmp_path):
    np.savez(tmp_path / "d.npz", X=np.array([{"a": 1}, None], dtype=object), y=np.arange(2))
    fails(cli("audit", "d.npz"), 3, "d.npz")


def test_damaged_parquet_is_one_sentence(cli, tmp_path):
    (tmp_path / "d.parquet").write_bytes(b"PAR1" + b"\0" * 100)
    err = fails(cli("audit", "d.parquet"), 3, "d.parquet")
    assert len(err.strip().splitlines()) == 1


def test_duplicate_ids_are_named(cli, tmp_path):
    csv(tmp_path / "d.csv", [f"{i % 20},{row}" for i, row in enumerate(rows())], header="key,text,label")
    fails(cli("audit", "d.csv", "--id", "key"), 3, "key")


def test_unknown_label_column_names_the_nearest(cli, tmp_path):
    csv(tmp_path / "d.csv", rows())
    code, _, err = cli("audit", "d.csv", "--label", "labl")
    assert code in (2, 3)
    assert "'labl'" in err
    assert "label" in err.replace("'labl'", "")


def test_foreign_output_folder_is_not_touched(cli, tmp_path):
    csv(tmp_path / "d.csv", rows())
    (tmp_path / "p.yaml").write_text("curate: 1\nsource: {path: d.csv}\nsteps: [exact_duplicates]\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("mine")
    fails(cli("run", "p.yaml", "--out", "out", "--no-cache"), 2, "not made by curate")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["precious.txt"]


def test_hostile_text_is_escaped_in_the_report(cli, tmp_path):
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
    csv(tmp_path / "d.csv", [*rows(), f"{attack},a", f"{attack},b"])
    code, _, err = cli("audit", "d.csv", "--html", "r.html", "--encoder", "classic", "--no-cache")
    assert code == 0, err
    page = (tmp_path / "r.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("curate: 1\nsource: !!python/object/apply:os.system ['touch pwned']\n", ["p.yaml:2", "tag"]),
        ("curate: 1\nsteps: " + "[" * 200 + "]" * 200, ["nested"]),
        ("curate: 1\nsteps:\n  - label_errors: {fix_lables: drop}\n", ["p.yaml:3", "fix_lables"]),
        ("curate: 1\nseed: [1\n", ["not valid YAML"]),
    ],
)
def test_wrong_pipeline_files(cli, tmp_path, text, words):
    (tmp_path / "p.yaml").write_text(text)
    fails(cli("run", "p.yaml"), 2, *words)
    assert not (tmp_path / "pwned").exists()


def test_unknown_check_and_gate(cli, tmp_path):
    csv(tmp_path / "d.csv", rows())
    fails(cli("audit", "d.csv", "--checks", "label_erors"), 2, "label_errors")
    fails(cli("audit", "d.csv", "--fail-on", "label_errors at 2"), 2, "label_errors at 2")
    fails(cli("audit", "d.csv", "--fail-on", "labl_errors > 2%"), 2, "did you mean")


def test_a_passed_gate_and_a_failed_one(cli, tmp_path):
    csv(tmp_path / "d.csv", [*rows(), *rows()[:4]])
    common = ("audit", "d.csv", "--encoder", "classic", "--no-cache", "--checks", "exact_duplicates")
    assert cli(*common, "--fail-on", "exact_duplicates > 50%")[0] == 0
    fails(cli(*common, "--fail-on", "exact_duplicates > 1%"), 1, "4 of 28 rows")
