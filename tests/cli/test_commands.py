"""The commands, as a person types them."""

import errno
import json
import os
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest

import curate.cli
from curate.cli import invoke

TOPICS = {
    "card": "card lost stolen blocked replacement plastic delivery",
    "cash": "cash machine withdrawal atm swallowed notes fee",
    "rate": "exchange rate currency euro dollar pound conversion",
}


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = invoke([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def data(tmp_path):
    """60 texts of three topics, two of them twice, one with a wrong label."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(60):
        topic = list(TOPICS)[i % 3]
        words = " ".join(rng.choice(TOPICS[topic].split(), 5))
        lines.append((f"please help with my {words} number {i}", topic))
    lines[7] = (lines[7][0], "rate" if lines[7][1] != "rate" else "cash")
    lines += lines[:2]
    path = tmp_path / "d.csv"
    path.write_text("text,label\n" + "\n".join(",".join(line) for line in lines) + "\n")
    return path


def test_init_run_explain(cli, data, tmp_path):
    code, out, err = cli("init", data)
    assert (code, err) == (0, "")
    assert "label: column 'label'" in out
    assert cli("validate", "pipeline.yaml")[0] == 0
    code, out, err = cli("run", "pipeline.yaml", "--out", "done")
    assert code == 0, err
    assert "62" in out
    accounts = json.loads((tmp_path / "done" / "manifest.json").read_text())["accounts"]
    kept = {"split": "train", "read": 62, "added": 0, "kept": 60, "dropped": 2, "unreadable": 0, "draws": 60}
    assert accounts == [kept]
    code, out, err = cli("explain", "done", "#60")
    assert code == 0
    assert "d.csv line 62" in out
    assert "dropped" in out
    assert out.rstrip().endswith("it is in no batch")
    code, out, _ = cli("explain", "done", "#60", "--json")
    assert json.loads(out)[0]["explanation"]
    assert cli("explain", "done", "nobody")[0] == 3
    assert cli("explain", "done", "#62")[0] == 3


def test_init_does_not_replace_a_file(cli, data, tmp_path):
    (tmp_path / "pipeline.yaml").write_text("mine")
    assert cli("init", data)[0] == 2
    assert (tmp_path / "pipeline.yaml").read_text() == "mine"
    assert cli("init", data, "--force")[0] == 0


def test_audit_writes_what_it_is_asked_for(cli, data, tmp_path):
    code, out, err = cli("audit", data, "--json", "--findings", "f.parquet", "--html", "r.html")
    assert (code, err) == (0, "")
    report = json.loads(out)
    code, schema, _ = cli("schema", "report")
    jsonschema.validate(report, json.loads(schema))
    assert pq.read_table(tmp_path / "f.parquet").num_rows > 62
    assert "<html" in (tmp_path / "r.html").read_text()


def test_audit_of_some_checks(cli, data):
    code, out, _ = cli("audit", data, "--checks", "exact_duplicates,missing_values")
    assert code == 0
    assert "exact_duplicate" in out
    assert "outliers" not in out


def test_two_runs_give_equal_bytes(cli, data, tmp_path):
    cli("init", data)
    assert cli("run", "pipeline.yaml", "--out", "a")[0] == 0
    assert cli("run", "pipeline.yaml", "--out", "b", "--no-cache")[0] == 0
    for name in ("plan.parquet", "ledger.parquet", "findings.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_run_replaces_its_own_folder_only(cli, data, tmp_path):
    cli("init", data)
    assert cli("run", "pipeline.yaml", "--out", "a")[0] == 0
    assert cli("run", "pipeline.yaml", "--out", "a")[0] == 0
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".a.")]


def test_export_says_what_it_wrote(cli, data, tmp_path):
    (tmp_path / "p.yaml").write_text("curate: 1\nsource: {path: d.csv}\nsteps: [exact_duplicates]\n")
    assert cli("run", "p.yaml", "--out", "o", "--no-cache")[0] == 0
    code, out, err = cli("export", "o", "e", "--format", "webdataset", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["rows"] == {"train": 62}
    assert "webdataset, 62 lines (train 62)" in cli("export", "o", "e", "--format", "webdataset")[1]
    code, out, err = cli("export", "o", "e", "--format", "parqet")
    assert (code, out) == (2, "")
    assert "did you mean 'parquet'" in err
    assert "can't be read any more" in " ".join(cli("export", "--help")[1].split())


def test_steps_and_schema_and_cache(cli, data):
    code, out, _ = cli("steps")
    assert code == 0
    assert "label_errors" in out
    code, out, _ = cli("steps", "label_errors")
    assert code == 0
    assert "limit" in out
    assert cli("steps", "label_erors")[0] == 2
    code, out, _ = cli("steps", "--json")
    assert {"name", "kind", "summary"} == set(json.loads(out)[0])
    assert cli("audit", data)[0] == 0
    code, out, _ = cli("cache", "info", "--json")
    assert code == 0
    assert json.loads(out)["files"] > 0
    assert cli("cache", "verify")[0] == 0
    assert cli("cache", "clear")[0] == 0
    assert json.loads(cli("cache", "info", "--json")[1])["files"] == 0


def test_copies_of_remote_files_are_counted_apart_and_go_only_when_named(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "kept"))
    copy = tmp_path / "kept" / "remote" / "0f" / "a.csv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"x" * 2_000_000)
    assert "copies of remote files: 1 file, 2.0 MB" in cli("cache", "info")[1]
    code, out, _ = cli("cache", "clear")
    assert (code, copy.exists()) == (0, True)
    assert "--remote removes them" in out
    code, _, err = cli("cache", "trim", "--remote")
    assert (code, "--remote is for `curate cache clear`" in err) == (2, True)
    assert cli("cache", "clear", "--remote")[0] == 0
    assert not copy.exists()
    assert json.loads(cli("cache", "info", "--json")[1])["remote_files"] == 0


def test_wrong_use(cli):
    for arguments in ([], ["audit"], ["adit", "x"], ["audit", "x", "--sed", "3"], ["run"]):
        code, out, err = cli(*arguments)
        assert code == 2 or not arguments
        assert "Traceback" not in out + err


def test_a_reader_that_has_gone_is_no_failed_gate(tmp_path):
    import subprocess
    import sys

    call = [sys.executable, "-m", "curate", "schema"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_a_full_disk_without_a_name_tells_where_temporary_files_lie(cli, data, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("curate.pipeline.auditing.audit", full)
    code, out, err = cli("audit", data, "--no-cache")
    assert (code, out) == (4, "")
    assert err.startswith("curate: the disk is full: [Errno 28]")
    assert "TMPDIR names another folder" in err


@pytest.mark.parametrize(("closed", "said"), [("1", ""), ("2", "○")])
@pytest.mark.skipif(os.name != "posix", reason="redirections of a shell")
def test_a_closed_stream_is_one_that_leads_nowhere(data, closed, said):
    import subprocess

    call = f'"{sys.executable}" -m curate audit "{data}" --no-cache --checks unreadable {closed}>&-'
    ended = subprocess.run(call, shell=True, capture_output=True, text=True, timeout=100)
    assert (ended.returncode, ended.stdout[:1], ended.stderr) == (0, said, "")


IN_A_PROGRAM = """
import contextlib, io, sys
from curate.cli import main

class Plain(io.StringIO):
    encoding = "ascii"

sys.argv = ["curate", "audit", "d.csv", "--no-cache"]
for stream in (io.StringIO(), Plain()):
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    print(code, "2 rows" in stream.getvalue())
"""


def test_streams_of_a_program_around_it(tmp_path):
    import subprocess

    (tmp_path / "d.csv").write_text("text,label\nsome words,a\nother words,b\n")
    call = [sys.executable, "-c", IN_A_PROGRAM]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["0", "True"] * 2, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_an_encoding_lacks_is_written_in_escapes(data, encoding):
    import subprocess

    call = [sys.executable, "-m", "curate", "audit", str(data), "--no-cache", "--checks", "unreadable"]
    environ = os.environ | {"PYTHONIOENCODING": encoding}
    ended = subprocess.run(call, capture_output=True, env=environ, timeout=100)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\\u25cb" in ended.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_a_path_that_is_no_text_is_one_sentence(cli, data, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path / "d") + b"\xff.csv")
    Path(path).write_bytes(data.read_bytes())
    code, out, err = cli("audit", path, "--no-cache", "--checks", "unreadable")
    assert (code, out) == (2, "")
    assert err == "curate: d\\xff.csv: the name of a file or folder is not UTF-8 text; rename it\n"


@pytest.mark.parametrize("given", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_threads_of_openmp_soon_sleep_unless_the_user_says(monkeypatch, given):
    for name in curate.cli.WAITING:
        monkeypatch.setenv(name, "")  # what stood there comes back after the test
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(curate.cli, "invoke", lambda arguments: 0)
    monkeypatch.setattr(curate.cli, "end_in_order", lambda: None)
    with pytest.raises(SystemExit):
        curate.cli.main()
    said = given or {"GOMP_SPINCOUNT": curate.cli.SPINS}
    assert {name: os.environ[name] for name in curate.cli.WAITING if name in os.environ} == said
