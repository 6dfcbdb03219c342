"""Files and folders that can't be written are told before the work whose result should go there."""

import os
from pathlib import Path

import pytest

from curate.cli import invoke
from curate.errors import ConfigError, StorageError
from curate.pipeline.files import refuse_folder
from curate.storage import refuse_file, write_text

NOT_UTF8 = os.fsdecode(b"caf\xe9.html")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").write_text("mine")
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_folder" / "notes.txt").write_text("mine")
    (tmp_path / "p.yaml").write_text("curate: 1\nsource: {path: nothing.csv}\nsteps: []\n")
    return tmp_path


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


AUDIT = ("audit", "nothing.csv")
COMPARE = ("compare", "p.yaml")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*AUDIT, "--html", "a_folder"), 2, "--html: a_folder is a folder; name a file"),
        ((*AUDIT, "--html", "a_file/r.html"), 4, "--html: a_file/r.html: can't be written: Not a directory"),
        ((*AUDIT, "--findings", "a_file/new/f.parquet"), 4, "--findings: a_file/new/f.parquet: can't be written"),
        ((*AUDIT, "--markdown", "/proc/r.md"), 4, "--markdown: /proc/r.md: can't be written"),
        ((*AUDIT, "--croissant", "/dev/null"), 2, "--croissant: /dev/null is no regular file"),
        ((*AUDIT, "--html", "x" * 300), 4, "can't be written: File name too long"),
        ((*AUDIT, "--html", NOT_UTF8), 2, "caf\\xe9.html: the name is not UTF-8 text"),
        ((*AUDIT, "--html", "r", "--markdown", "r"), 2, "--markdown: r is what --html names, too"),
        (("audit", "a_file", "--html", "a_file"), 2, "--html: a_file is what is read, and would be lost"),
        (("run", "p.yaml", "--out", "a_file"), 2, "a_file is a file"),
        (("run", "p.yaml", "--out", "a_file/out"), 4, "can't be written: Not a directory"),
        (("run", "p.yaml", "--out", os.fsdecode(b"caf\xe9")), 2, "caf\\xe9: the name is not UTF-8 text"),
        (("run", "p.yaml", "--out", "/proc"), 2, "/proc is not empty"),
        ((*COMPARE, "--html", "a_folder"), 2, "--html: a_folder is a folder"),
        ((*COMPARE, "--html", "p.yaml"), 2, "--html: p.yaml is what is read"),
        ((*COMPARE, "--out", "a_file/out"), 4, "can't be written: Not a directory"),
        (("compare", "a.json", "b.json", "--html", "a_file/r.html"), 4, "--html: a_file/r.html: can't be written"),
        (("export", "nothing", "a_file/out"), 4, "can't be written: Not a directory"),
        (("export", "nothing", "a_folder"), 2, "was not made by curate export"),
        (("init", "nothing.csv", "--out", "a_file/p.yaml"), 4, "--out: a_file/p.yaml: can't be written"),
    ],
)
def test_it_is_told_before_the_data_are_looked_for(here, capsys, arguments, code, said):
    before = contents(here)
    assert invoke(list(arguments)) == code
    assert said in capsys.readouterr().err
    assert contents(here) == before


@pytest.mark.parametrize("name", ["r.html", "new/deep/r.html"])
def test_what_can_be_written_leaves_nothing_behind(here, name):
    before = contents(here)
    refuse_file(here / name)
    refuse_folder(here / name)
    assert contents(here) == before
    write_text(here / name, "done")
    refuse_file(here / name)  # and may be replaced
    assert (here / name).read_text() == "done"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folders_that_may_not_be_written(here):
    (here / "a_folder").chmod(0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        refuse_file(here / "a_folder" / "r.html")
    with pytest.raises(StorageError, match="Permission denied"):
        refuse_folder(here / "a_folder" / "new")


def test_a_mount_point_is_not_replaced(here, monkeypatch):
    (here / "mounted").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: True)
    with pytest.raises(ConfigError, match="is a mount point"):
        refuse_folder(here / "mounted")
