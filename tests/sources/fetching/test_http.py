"""Data over HTTP: whole or in parts, from servers that fail, stall, cut off, redirect and change."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.sources.fetching.http import HttpStore
from curate.sources.fetching.mirror import Mirror
from curate.sources.fetching.store import Remote, read
from curate.sources.fetching.urls import checked, expanded, refuse_address, shown
from curate.sources.remote import from_remote

CSV = ("text,label\n" + "".join(f"some words of row {i},{'ab'[i % 2]}\n" for i in range(400))).encode()
NO = {"delimiter": None, "encoding": None}


@pytest.fixture
def fetch(patience, tmp_path):
    """Read URLs into a `Raw`, copies in an empty folder."""

    def call(*urls, **options):
        return from_remote(urls, NO, folder=tmp_path / "copies", **{"patience": patience} | options)

    return call


@pytest.fixture
def all_of(patience):
    """The bytes of one URL."""

    def call(url, **options):
        store = HttpStore(replace(patience, **options))
        return b"".join(read(store, store.stat(url)))

    return call


def png(value):
    from PIL import Image

    out = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("way", ["ranges", "plain", "flaky", "cut", "packed"])
def test_the_same_bytes_whatever_the_server(web, all_of, way):
    web.files["d.csv"] = CSV
    assert all_of(f"{web.url}/{way}/d.csv") == CSV


def test_a_broken_download_goes_on_where_it_broke(web, all_of):
    web.files["d.bin"] = bytes(range(256)) * 4000
    assert all_of(f"{web.url}/cut/d.bin") == web.files["d.bin"]
    assert web.sent < 1.1 * len(web.files["d.bin"])


def test_without_ranges_a_broken_download_fails_after_its_attempts(web, all_of):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match=r"d\.csv: can't be read: .*broke off.*tried"):
        all_of(f"{web.url}/cutplain/d.csv")


def test_attempts_and_their_pauses(web, all_of, waits):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match=r"HTTP 503 \(tried 4 times\)"):
        all_of(f"{web.url}/down/d.csv")
    assert waits == [1.0, 1.0, 2.0]
    assert len(web.asked) == 4


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
@pytest.mark.parametrize(("seconds", "least", "most"), [(20, 18, 21), (86_400, 60, 60), (-30, 0.5, 0.5)])
def test_a_date_to_wait_for(web, all_of, waits, form, seconds, least, most):
    """In the three forms of RFC 9110, and no longer than a minute."""
    web.files["d.csv"], web.until = CSV, (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(form)
    assert all_of(f"{web.url}/dated/d.csv") == CSV
    assert len(waits) == 1
    assert least <= waits[0] <= most


@pytest.mark.parametrize("until", ["soon", "²", "Sun, 06 Nov 99999 08:49:37 GMT"])
def test_what_is_no_date_is_not_waited_for(web, all_of, waits, until):
    web.files["d.csv"], web.until = CSV, until
    assert all_of(f"{web.url}/dated/d.csv") == CSV
    assert waits == [0.5]


@pytest.mark.parametrize("way", ["stall", "drip"])
def test_servers_that_stall_are_given_up(web, all_of, way):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match=r"within the time limit|bytes per second"):
        all_of(f"{web.url}/{way}/d.csv", attempts=2, slowest=1e9)


def test_no_server(all_of):
    with pytest.raises(DataError, match=r"refused.*tried 4 times"):
        all_of("http://127.0.0.1:9/d.csv")


def test_a_file_that_changes_is_not_mixed(web, all_of):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match="changed while it was read"):
        all_of(f"{web.url}/changing/d.csv")


def test_missing_and_forbidden(web, fetch):
    with pytest.raises(DataError, match=r"none\.csv: HTTP 404: there is no such file"):
        fetch(f"{web.url}/ranges/none.csv")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///etc/passwd", "to file:// it is not followed"),
        ("ftp://127.0.0.1/x", "to ftp:// it is not followed"),
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("http://[fe80::1]/x", "link-local"),
        ("http://0.0.0.0/x", "refused"),
        ("http://[::ffff:169.254.169.254]/x", "link-local"),
        ("http://localhost:{port}/ranges/d.csv", "private address"),
        ("http://10.0.0.1/d.csv", "private address"),
        ("http://user:secret@127.0.0.1:{port}/ranges/d.csv", "no user name"),
    ],
)
def test_redirects_that_are_refused(web, fetch, target, words):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match=r"redirect|refused") as caught:
        fetch(f"{web.url}/to/x?url={target.format(port=web.port)}")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert all(path.startswith("/to/") for path in web.asked)


def test_redirects_that_are_followed_and_loops(web, fetch):
    web.files["d.csv"] = CSV
    assert len(fetch(f"{web.url}/to/d.csv?url=/ranges/d.csv")) == 400
    with pytest.raises(DataError, match="more than 5 redirects"):
        fetch(f"{web.url}/loop/d.csv")


@pytest.mark.parametrize("url", ["http://169.254.169.254/d.csv", "http://[fe80::1]/d.csv", "http://224.0.0.1/d.csv"])
def test_addresses_that_are_never_asked(fetch, url):
    with pytest.raises(DataError, match="refused"):
        fetch(url)


def test_a_name_that_leads_to_a_refused_address(monkeypatch, fetch, web):
    import socket

    real = socket.getaddrinfo

    def elsewhere(host, port, *rest, **more):
        return real("127.0.0.1" if host == "data.example" else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    web.files["d.csv"] = CSV
    assert len(fetch(f"http://data.example:{web.port}/ranges/d.csv")) == 400, "the user named the host"
    with pytest.raises(DataError, match="private address"):
        fetch(f"{web.url.replace('127.0.0.1', 'localhost')}/to/x?url=http://data.example:{web.port}/ranges/d.csv")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://h/x.csv", "sftp://h/x.csv", "simplecache::http://h/x.csv", "smb://h/x", "pipe://ls",
        "github://o:r@/x", "zip://x.csv::http://h/a.zip", "HTTP+unix://x/y.csv", "data://text", "jar://x", "gopher://x",
    ],
)  # fmt: skip
def test_schemes_that_are_not_read(url):
    with pytest.raises((ConfigError, DataError)) as caught:
        curate.load(url)
    assert "not from" in str(caught.value) or "no such file" in str(caught.value)


def test_logins_in_urls_are_refused_and_never_shown():
    with pytest.raises(ConfigError, match=r"~/\.netrc") as caught:
        curate.load("https://me:hunter2@example.org/d.csv?sig=hunter3")
    assert "hunter" not in str(caught.value)
    assert shown("https://me:hunter2@h.org/a/b.csv?token=hunter3#x") == "https://h.org/a/b.csv?…"


def test_queries_are_asked_and_never_shown(web, fetch):
    web.files["d.csv"] = CSV
    raw = fetch(f"{web.url}/ranges/d.csv?token=hunter2")
    assert "hunter2" in web.asked[0]
    assert raw.source == f"{web.url}/ranges/d.csv?…"
    with pytest.raises(DataError) as caught:
        fetch(f"{web.url}/ranges/none.csv?token=hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_login_of_netrc_goes_to_its_host_alone(web, fetch, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "netrc").rename(tmp_path / ".netrc")
    web.files["d.csv"] = CSV
    fetch(f"{web.url}/ranges/d.csv")
    assert web.headers
    assert all(headers["Authorization"].startswith("Basic ") for headers in web.headers)
    web.headers.clear()
    fetch(f"{web.url.replace('127.0.0.1', 'localhost')}/ranges/d.csv")
    assert web.headers
    assert not any("Authorization" in headers for headers in web.headers)


@pytest.mark.parametrize("way", ["ranges", "plain"])
def test_size_limit(web, fetch, patience, way):
    web.files["d.csv"] = CSV
    with pytest.raises(DataError, match="more than the limit of 1,000"):
        fetch(f"{web.url}/{way}/d.csv", patience=replace(patience, max_bytes=1000))


def test_the_size_limit_is_of_all_files_together_though_no_size_is_told(patience, tmp_path):
    class Silent:
        """A server that tells no size."""

        def __init__(self, max_bytes):
            self.patience = replace(patience, max_bytes=max_bytes)

        def blocks(self, remote, start, stop):
            yield from (b"x" * 100 for _ in range(6))

    wanted = {name: Remote(f"http://host/{name}", None, "1", ranges=False) for name in ("a.csv", "b.csv")}
    assert Mirror("in bounds", Silent(1200), tmp_path).fetch(wanted) == {}
    mirror = Mirror("beyond", Silent(1199), tmp_path)
    failures = mirror.fetch(wanted)
    assert [why.split(": ", 1)[1] for why in failures.values()] == [
        "with it the source has more than the limit of 1,199 bytes"
    ]
    assert len(list(mirror.folder.glob("*.csv"))) == 1
    assert not list(mirror.folder.glob(".*.tmp"))


def test_only_what_changed_is_fetched_again(web, fetch):
    web.files["d.csv"] = CSV
    fetch(f"{web.url}/ranges/d.csv")
    before = web.sent
    fetch(f"{web.url}/ranges/d.csv")
    assert web.sent - before == 1, "the first byte, to see the version"
    web.files["d.csv"] = CSV.replace(b"some", b"more")
    assert fetch(f"{web.url}/ranges/d.csv").columns["text"][0].as_py().startswith("more")


def test_tables_of_every_kind(web, fetch):
    frame = fetch_frame()
    for name, data in frame.items():
        web.files[name] = data
        raw = fetch(f"{web.url}/ranges/{name}")
        assert len(raw) == 30, name
        assert raw.source.endswith(name)


def fetch_frame():
    import pyarrow as pa

    table = pa.table({"text": [f"row {i}" for i in range(30)], "label": ["a", "b", "c"] * 10})
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    lines = "\n".join(json.dumps(line) for line in table.to_pylist())
    npz = io.BytesIO()
    np.savez(npz, X=np.zeros((30, 3)), y=np.arange(30) % 2)
    return {"d.parquet": parquet.getvalue(), "d.jsonl": lines.encode(), "d.npz": npz.getvalue()}


def test_numbered_files_are_read_together(web, fetch):
    for i in range(3):
        web.files[f"part-{i:03d}.csv"] = CSV
    assert len(fetch(f"{web.url}/ranges/part-{{000..002}}.csv")) == 1200
    assert expanded("s3://b/{8..11}-{0..1}.tar")[2:5] == ["s3://b/9-0.tar", "s3://b/9-1.tar", "s3://b/10-0.tar"]
    for url in ("s3://b/{3..1}.tar", "s3://b/{0..99999999}.tar", "s3://b/{0..9999}/{0..9999}.tar"):
        with pytest.raises(ConfigError):
            expanded(url)


def test_media_beside_a_table(web, monkeypatch, tmp_path):
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path))
    names = [f"img/photo {i}.png" for i in range(12)]
    for i, name in enumerate(names):
        web.files[name] = png(i)
    lines = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names)]
    lines += ["img/none.png,a", "../secret.png,b", "/etc/passwd,a", f"{web.url}/ranges/img/photo 0.png,b"]
    web.files["meta.csv"] = ("file,label\n" + "\n".join(lines) + "\n").encode()
    table = curate.load(f"{web.url}/ranges/meta.csv", image="file", label="label")
    why = {line["row"]: line["reason"] for line in table.problems.to_pylist()}
    assert sorted(why) == [12, 13, 14, 15]
    assert "HTTP 404" in why[12]
    assert all("outside" in why[row] for row in (13, 14))
    assert "is a URL" in why[15]
    report = curate.audit(table, ["unreadable", "image_quality"], cache=None)
    assert report.summary["unreadable"]["unreadable"]["issues"] == 4
    few = curate.load(f"{web.url}/ranges/meta.csv", image="file", label="label", max_rows=3)
    assert len(few) == 3


def test_folders_need_a_listing(web, fetch):
    with pytest.raises(DataError, match=r"404|names no file"):
        fetch(f"{web.url}/ranges/")
    with pytest.raises(ConfigError, match="no wildcards"):
        fetch(f"{web.url}/ranges/*.csv")


@pytest.mark.parametrize("options", [{"root": "."}, {"config": "x"}])
def test_options_that_say_nothing_about_urls(options):
    with pytest.raises(ConfigError):
        curate.load("https://example.org/d.csv", **options)


def test_urls_and_files_are_not_mixed(tmp_path):
    with pytest.raises(ConfigError, match="can't be read together"):
        curate.load(["https://example.org/d.csv", str(tmp_path / "d.csv")])
    with pytest.raises(ConfigError, match="several hosts"):
        curate.load(["https://example.org/d.csv", "https://example.com/d.csv"])


NO_URLS = (
    "https://h/a b.csv", "https://h/a\nb", "https:///x.csv", "https://h/../x.csv", "https://h/%2e%2e/x.csv",
    "s3://b/../c/x.csv", "http://h:99999/x", "http://[::1/x",
)  # fmt: skip


@pytest.mark.parametrize("url", NO_URLS)
def test_urls_that_are_none(url):
    with pytest.raises(ConfigError):
        checked(url)


def test_addresses():
    for address in ("8.8.8.8", "2001:4860:4860::8888"):
        refuse_address(address, "http://h", private=False)
    for address in ("127.0.0.1", "192.168.1.1", "::1", "fd12::1", "100.64.0.1"):
        refuse_address(address, "http://h", private=True)
        with pytest.raises(DataError):
            refuse_address(address, "http://h", private=False)
    for address in ("169.254.1.1", "fe80::1%eth0", "0.0.0.0", "224.0.0.1", "fd00:ec2::254", "100.100.100.200"):
        with pytest.raises(DataError):
            refuse_address(address, "http://h", private=True)
