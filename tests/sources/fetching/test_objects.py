"""Data in buckets: folders, globs, shards in parts, from a service that speaks S3 and from memory."""

import io
import logging
import uuid
from dataclasses import replace

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.sources.fetching.objects import ObjectStore
from curate.sources.fetching.store import Passing, Patience, read
from curate.sources.remote import from_remote
from curate.sources.shards.tar_members import RemoteBytes

CSV = ("text,label\n" + "".join(f"some words of row {i},{'ab'[i % 2]}\n" for i in range(60))).encode()
NO = {"delimiter": None, "encoding": None}


def png(value):
    from PIL import Image

    out = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def shard(n=40, size=60_000):
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for i in range(n):
            for name, content in ((f"{i:04d}.png", png(i) + bytes(size)), (f"{i:04d}.cls", b"01"[i % 2 : i % 2 + 1])):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(scope="session")
def endpoint():
    """A server that speaks S3."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(request, monkeypatch):
    """(URL of an empty bucket, put(key, data)), in memory or on the S3 server."""
    name = f"b{uuid.uuid4().hex[:12]}"
    if request.param == "memory":
        import fsspec

        files = fsspec.filesystem("memory")
        yield f"memory://{name}", lambda key, data: files.pipe(f"/{name}/{key}", data)
        if files.exists(f"/{name}"):
            files.rm(f"/{name}", recursive=True)
        return
    endpoint = request.getfixturevalue("endpoint")
    for key, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
    }.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir(name)
    yield f"s3://{name}", lambda key, data: files.pipe(f"{name}/{key}", data)


both = pytest.mark.parametrize("bucket", ["memory", "s3"], indirect=True)


@pytest.fixture
def fetch(patience, tmp_path):
    def call(*urls, **options):
        return from_remote(urls, NO, folder=tmp_path / "copies", **{"patience": patience} | options)

    return call


@both
def test_one_table_and_a_glob_of_them(bucket, fetch):
    url, put = bucket
    put("in/a.csv", CSV)
    put("in/b.csv", CSV)
    put("in/notes.md", b"#")
    assert len(fetch(f"{url}/in/a.csv")) == 60
    assert len(fetch(f"{url}/in/*.csv")) == 120
    with pytest.raises(DataError, match="no file matches"):
        fetch(f"{url}/in/*.json")


@both
def test_a_folder_per_class(bucket, fetch, tmp_path):
    url, put = bucket
    for i in range(12):
        put(f"set/{'ab'[i % 2]}/{i}.png", png(i))
    put("set/a/script.sh", b"echo")
    raw = fetch(f"{url}/set")
    assert len(raw) == 12
    assert raw.roles["label"] == "label"
    assert any("1 object of other types not fetched" in note for note in raw.notes)
    assert not list((tmp_path / "copies").rglob("*.sh"))


@both
def test_objects_that_are_gone_leave_the_copy(bucket, fetch):
    url, put = bucket
    for i in range(4):
        put(f"set/{'ab'[i % 2]}/{i}.png", png(i))
    assert len(fetch(f"{url}/set")) == 4
    import fsspec

    scheme = url.split("://")[0]
    options = {"skip_instance_cache": True} if scheme == "s3" else {}
    fsspec.filesystem(scheme, **options).rm(f"{url.split('://')[1]}/set/a/0.png")
    assert len(fetch(f"{url}/set")) == 3


@both
def test_few_rows_of_a_shard_are_read_without_the_rest(bucket, fetch, monkeypatch):
    url, put = bucket
    data = shard()
    put("train-000.tar", data)
    made = []

    class Watched(RemoteBytes):
        def __init__(self, store, remote):
            super().__init__(store, remote, ahead=4096)
            made.append(self)

    monkeypatch.setattr("curate.sources.remote.RemoteBytes", Watched)
    raw = fetch(f"{url}/train-000.tar", max_rows=4)
    assert len(raw) == 4
    assert sum(one.fetched for one in made) < 0.3 * len(data)
    whole = fetch(f"{url}/train-{{000..000}}.tar")
    assert len(whole) == 40
    assert raw.columns["image"][1].as_py() == whole.columns["image"][13].as_py()


@both
def test_missing_things(bucket, fetch):
    url, _ = bucket
    with pytest.raises(DataError, match="no such file"):
        fetch(f"{url}/none.csv")
    with pytest.raises(DataError, match=r"no such file|none of|no file"):
        fetch(f"{url}/nothing/here")


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_keys_that_climb_are_left_out(bucket, fetch, tmp_path):
    url, put = bucket
    for i in range(4):
        put(f"set/{'ab'[i % 2]}/{i}.png", png(i))
    import boto3

    boto3.client("s3").put_object(Bucket=url[5:], Key="set/../../../outside.png", Body=png(9))
    boto3.client("s3").put_object(Bucket=url[5:], Key="set/a//double.png", Body=png(9))
    raw = fetch(f"{url}/set")
    assert len(raw) == 4
    assert any("2 objects with names that are no paths" in note for note in raw.notes)
    assert not list(tmp_path.rglob("outside.png"))


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_the_whole_way_and_no_secrets(bucket, monkeypatch, tmp_path):
    url, put = bucket
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    put("d.csv", CSV)
    table = curate.load(f"{url}/d.csv")
    assert table.source == f"{url}/d.csv"
    pipeline = curate.Pipeline.from_text(f"curate: 1\nsource: {{path: {url}/d.csv}}\nsteps: [exact_duplicates]\n")
    pipeline.run(out=tmp_path / "out", cache=None)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"hunter2" not in written


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_service_that_is_down(bucket, fetch, monkeypatch, waits):
    url, _ = bucket
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with pytest.raises(DataError, match=r"can't be read.*tried 2 times"):
        fetch(f"{url}/d.csv", patience=Patience(1, 1, attempts=2, sleep=waits.append))
    assert len(waits) == 1


@pytest.mark.parametrize("bucket", ["memory"], indirect=True)
def test_what_breaks_off_goes_on(bucket, patience, monkeypatch):
    url, put = bucket
    data = bytes(range(256)) * 200_000
    put("d.bin", data)
    store, failures = ObjectStore("memory", patience), iter([True, False, True, False, True])
    real = store._files.cat_file

    def cat_file(*arguments, **options):
        if next(failures, False):
            raise TimeoutError("slow")
        return real(*arguments, **options)

    monkeypatch.setattr(store._files, "cat_file", cat_file)
    assert b"".join(read(store, store.stat(f"{url}/d.bin"))) == data


@pytest.mark.parametrize("bucket", ["memory"], indirect=True)
def test_limits_and_collisions(bucket, fetch, patience):
    url, put = bucket
    put("a/d.csv", CSV)
    put("b/d.csv", CSV)
    with pytest.raises(DataError, match="more than the limit of 10"):
        fetch(f"{url}/a/d.csv", patience=replace(patience, max_bytes=10))
    with pytest.raises(DataError, match="two files of the name"):
        fetch(f"{url}/a/d.csv", f"{url}/b/d.csv")


def test_passing_failures_never_leave():
    assert not issubclass(Passing, curate.errors.CurateError)


def test_a_service_without_its_package(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ConfigError, match=r"gcsfs.*gcs"):
        curate.load("gs://bucket/d.csv")
