"""WebDataset shards: rows by key, damage stays with its row, pickles and links are never followed."""

import io
import json
import tarfile

import numpy as np
import pytest

import curate
from curate.errors import DataError


def png(value):
    from PIL import Image

    out = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def tar(path, files, form=tarfile.USTAR_FORMAT):
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in files:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def pictures(n=20, start=0):
    files = []
    for i in range(start, start + n):
        files += [(f"{i:05d}.png", png(i)), (f"{i:05d}.json", json.dumps({"label": "ab"[i % 2], "size": i}).encode())]
        files += [(f"{i:05d}.cls", str(i % 2).encode())]
    return files


def reasons(table):
    return {line["row"]: line["reason"] for line in table.problems.to_pylist() if line["issue"] == "unreadable"}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_pictures_with_labels(tmp_path, form):
    long = "a" * 150
    files = [(f"{long}/{name}", content) for name, content in pictures()]
    table = curate.load(tar(tmp_path / "d.tar", files if form != tarfile.USTAR_FORMAT else pictures(), form))
    assert table.task.image == "image"
    assert table.task.label == "label"
    assert sorted(table.task.label_names) == ["a", "b"]
    assert len(table) == 20
    assert not reasons(table)
    report = curate.audit(table, ["unreadable", "image_quality"], cache=None)
    assert report.summary["unreadable"]["unreadable"]["issues"] == 0


def test_several_shards_are_splits(tmp_path):
    tar(tmp_path / "train-000000.tar", pictures(12))
    tar(tmp_path / "train-000001.tar", pictures(12, 12))
    tar(tmp_path / "test-000000.tar", pictures(6, 24))
    for source in (tmp_path, str(tmp_path / "*.tar"), sorted(tmp_path.glob("*.tar"))):
        table = curate.load(source)
        assert len(table) == 30
        assert {str(split) for split in table.splits} == {"train", "test"}
    assert table.origin["file"].to_pylist()[0].endswith(".tar")


def test_only_some_rows(tmp_path):
    table = curate.load(tar(tmp_path / "d.tar", pictures(20)), max_rows=5)
    assert table.dataset["size"][:] == [0, 5, 10, 14, 19]
    assert any("5 of 20 rows" in note for note in table.notes)


def test_text_sound_vectors_and_second_pictures(tmp_path):
    import soundfile

    wav = io.BytesIO()
    soundfile.write(wav, np.random.default_rng(0).normal(0, 0.1, 800), 8000, format="WAV")
    vector = io.BytesIO()
    np.save(vector, np.arange(4, dtype=np.float32))
    files = []
    for i in range(6):
        files += [(f"{i}.wav", wav.getvalue()), (f"{i}.transcript.txt", b"hello"), (f"{i}.left.png", png(i))]
        files += [(f"{i}.npy", vector.getvalue())]
    table = curate.load(tar(tmp_path / "d.tar", files), audio="audio")
    columns = table.dataset.column_names
    assert {"audio", "left", "features"} <= set(columns)


def test_a_bad_row_stays_alone(tmp_path):
    pickle = io.BytesIO()
    np.save(pickle, np.array([{}, None], dtype=object), allow_pickle=True)
    files = pictures(12)
    files += [("bad1.png", png(1)), ("bad1.json", b'{"label": "a"')]
    files += [("bad2.png", png(2)), ("bad2.json", b'{"label": "a", "label": "b"}')]
    files += [("bad3.png", png(3)), ("bad3.txt", b"\xff\xfe\xfa")]
    files += [("bad4.png", png(4)), ("bad4.npy", pickle.getvalue())]
    files += [("bad5.png", png(5)), ("bad5.png", png(5))]
    files += [("bad6.png", b"<html>"), ("bad6.json", b'{"label": "a"}')]
    table = curate.load(tar(tmp_path / "d.tar", files), image="image", label="label")
    why = reasons(table)
    assert sorted(why) == [12, 13, 14, 15, 16]
    assert "d.tar, bad1: json" in why[12]
    assert "twice" in why[13]
    assert "UTF-8" in why[14]
    assert "pickle" in why[15]
    assert "twice" in why[16]
    report = curate.audit(table, ["unreadable"], cache=None)
    assert report.summary["unreadable"]["unreadable"]["issues"] == 6


def test_pickles_links_and_devices_are_left_alone(tmp_path):
    link, device = tarfile.TarInfo("link.png"), tarfile.TarInfo("device.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    files = [*pictures(12), ("", link), ("", device), ("00011.pkl", b"cos\nsystem\n(S'touch pwned'\ntR.")]
    table = curate.load(tar(tmp_path / "d.tar", files))
    assert len(table) == 12
    assert any("2 links" in note for note in table.notes)
    assert any(".pkl 1" in note for note in table.notes)


def test_names_that_climb_are_keys_and_nothing_else(tmp_path):
    files = [(f"../../{name}" if i % 2 else f"/etc/{name}", data) for i, (name, data) in enumerate(pictures(12)[::3])]
    before = set(tmp_path.rglob("*"))
    table = curate.load(tar(tmp_path / "d.tar", files))
    assert len(table) == 12
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "d.tar"}
    report = curate.audit(table, ["unreadable", "image_quality"], cache=None)
    assert report.summary["unreadable"]["unreadable"]["issues"] == 0


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_shard_that_is_cut_off_says_so_and_keeps_what_came_before(tmp_path, share):
    path = tar(tmp_path / "d.tar", pictures(30))
    whole = path.read_bytes().rstrip(b"\0")
    path.write_bytes(whole[: int(len(whole) * share)])
    table = curate.load(path, image="image", label="label")
    why = reasons(table)
    assert 0.7 * share * 30 <= len(table) - len(why) <= 30 * share + 1
    assert all("cut off" in reason or "no header" in reason for reason in why.values())
    assert len(why) == 1


def test_a_header_that_promises_too_much(tmp_path):
    path = tar(tmp_path / "d.tar", pictures(12))
    huge = tarfile.TarInfo("99.png")
    huge.size = 1 << 60
    path.write_bytes(path.read_bytes()[: 12 * 3 * 1024] + huge.tobuf(tarfile.GNU_FORMAT))
    table = curate.load(path)
    assert len(reasons(table)) == 1


@pytest.mark.parametrize("content", [b"", bytes(10_240), b"no tar at all" * 100])
def test_archives_without_rows(tmp_path, content):
    (tmp_path / "d.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"d\.tar"):
        curate.load(tmp_path / "d.tar")


def test_an_export_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(24):
        path = tmp_path / "data" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(int(rng.integers(1 << 30))))
    pipeline = curate.Pipeline.from_text("curate: 1\nsteps: [exact_duplicates]\n")
    curated = pipeline.run(curate.load(tmp_path / "data"), cache=None)
    curated.to_webdataset(tmp_path / "shards")
    table = curate.load(tmp_path / "shards")
    assert len(table) == 24
    assert sorted(table.task.label_names) == ["a", "b"]
    assert table.task.image == "image"
