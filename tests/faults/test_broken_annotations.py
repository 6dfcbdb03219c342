"""Broken masks, boxes and videos among sound ones: each is a finding with its reason, and the audit goes on."""

import io
import json
import struct
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.cli import invoke

ROWS = 16


@pytest.fixture
def audit(capsys, tmp_path, monkeypatch):
    """Audit something; gives (check, issue, row) -> reason of what is flagged."""
    monkeypatch.chdir(tmp_path)

    def call(data):
        out = tmp_path / "found.parquet"
        code = invoke(["audit", str(data), "--findings", str(out), "--encoder", "classic", "--no-cache"])
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert code == 0, err
        lines = pq.read_table(out).to_pylist()
        return {(line["check"], line["issue"], line["row"]): line["reason"] for line in lines if line["is_issue"]}

    return call


def png(pixels):
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def bomb():
    """A PNG that promises 2.5 gigapixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def photos(folder):
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for row in range(ROWS):
        (folder / f"{row:02d}.png").write_bytes(png(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)))


def test_masks(audit, tmp_path):
    data = tmp_path / "set"
    photos(data / "images")
    (data / "masks").mkdir()
    rng = np.random.default_rng(1)
    for row in range(ROWS):
        mask = np.zeros((24, 32), np.uint8)
        mask[4 : int(rng.integers(8, 20)), 3 : int(rng.integers(8, 30))] = 255
        (data / "masks" / f"{row:02d}.png").write_bytes(png(mask))
    outside = tmp_path / "outside.png"
    outside.write_bytes(png(np.zeros((24, 32), np.uint8)))
    broken = {3: b"", 4: bomb(), 5: b"<html></html>", 6: png(np.zeros((24, 32), np.uint8))[:40], 7: bytes(500)}
    for row, content in broken.items():
        (data / "masks" / f"{row:02d}.png").write_bytes(content)
    (data / "masks" / "08.png").unlink()
    (data / "masks" / "08.png").symlink_to(outside)
    found = audit(data)
    bad = {row for check, issue, row in found if issue in ("unreadable_mask", "unreadable")}
    assert bad == {3, 4, 5, 6, 7, 8}
    assert "max_pixels" in found["mask_quality", "unreadable_mask", 4]
    assert any("leads outside" in reason for (_, _, row), reason in found.items() if row == 8)


def test_boxes(audit, tmp_path):
    data = tmp_path / "set"
    photos(data / "images")
    good = [[2, 3, 20, 15, "cat"]]
    strange = {
        1: "not a list", 2: [["a", "b", "c", "d"]], 3: [[1e308, -1e308, 1e308, 1e308, "cat"]], 4: None, 5: {"bbox": 7},
        6: [[1, 2, 3]], 7: [None], 8: [good], 9: [[0, 0, 10, 10, "<script>alert(1)</script>"]] * 3, 10: 12,
    }  # fmt: skip
    lines = [{"image": f"images/{row:02d}.png", "boxes": strange.get(row, good)} for row in range(ROWS)]
    (data / "data.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    found = audit(data / "data.jsonl")
    rows = {row for check, _, row in found if check == "box_quality"}
    assert {1, 2, 3, 4, 5, 6, 7, 9, 10} <= rows
    assert not {0, 11, 12, 13, 14, 15} & rows


def test_coco_with_strange_entries(audit, tmp_path):
    data = tmp_path / "set"
    photos(data / "images")
    document = {
        "images": [{"id": row, "file_name": f"{row:02d}.png"} for row in range(ROWS)]
        + [{"id": 90, "file_name": "../../etc/passwd"}, {"id": 91, "file_name": "gone.png"}],
        "annotations": [{"image_id": row, "bbox": [2, 3, 10, 9], "category_id": 1} for row in range(ROWS)]
        + ["nonsense", {"image_id": [1]}, {"image_id": 3, "bbox": {}, "category_id": {}}, {"image_id": 4}],
        "categories": [{"id": 1, "name": "cat"}, {"name": "no id"}, 7],
    }
    (data / "annotations").mkdir()
    (data / "annotations" / "instances.json").write_text(json.dumps(document))
    found = audit(data)
    assert "leads outside" in found["unreadable", "unreadable", ROWS]
    assert "does not exist" in found["unreadable", "unreadable", ROWS + 1]
    assert {row for check, issue, row in found if (check, issue) == ("box_quality", "malformed")} == {3, 4}


def film(level, count=25):
    av = pytest.importorskip("av")
    out = io.BytesIO()
    rng = np.random.default_rng(level)
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        for i in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(picture, 2 * i, 1), format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_videos(audit, tmp_path):
    data = tmp_path / "set"
    for row in range(12):
        (data / "ab"[row % 2]).mkdir(parents=True, exist_ok=True)
        (data / "ab"[row % 2] / f"{row:02d}.mp4").write_bytes(film(row))
    whole = film(20)
    noisy = bytearray(film(21))
    for place in np.random.default_rng(0).integers(1000, len(noisy) - 1000, 400):
        noisy[place] ^= 0x5A
    hostile = {
        "cut.mp4": whole[: len(whole) // 2], "empty.mp4": b"", "page.mp4": b"<!DOCTYPE html><html></html>",
        "list.mp4": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "zeros.mp4": bytes(5000), "noise.mp4": bytes(noisy),
        "picture.mp4": png(np.zeros((20, 20, 3), np.uint8)),
    }  # fmt: skip
    for name, content in hostile.items():
        (data / "a" / name).write_bytes(content)
    found = audit(data)
    unreadable = {row for check, _, row in found if check == "unreadable"}
    assert 6 <= len(unreadable) <= len(hostile)
    assert all(reason for reason in found.values())
