"""A small web server whose faults tests choose, patience that does not wait, and folders of small files."""

import gzip
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest


class Web:
    """Files by path, and what is wrong with them: ``/WAY/name`` serves ``name`` in that way.

    Ways: ``ranges``, ``plain`` (no ranges), ``flaky`` (two failures first), ``down`` (503 for ever), ``dated`` (429
    with `until` first), ``cut`` (breaks off after half of what was asked for), ``cutplain`` (the same without ranges),
    ``stall`` (headers, then nothing),
    ``drip`` (a byte at a time), ``packed`` (kept compressed, and sent so whatever is accepted), ``to`` (redirect to
    ``?url=``), ``loop``, ``changing`` (another version each time).
    """

    def __init__(self):
        self.files, self.asked, self.headers, self.counts = {}, [], [], Counter()
        self.sent, self.until = 0, ""
        self.over = threading.Event()


def _handler(web):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_GET(self):
            parts = urlsplit(self.path)
            _, way, name = unquote(parts.path).split("/", 2)
            web.asked.append(self.path)
            web.headers.append(dict(self.headers))
            web.counts[self.path] += 1
            if way in ("to", "loop"):
                target = parse_qs(parts.query)["url"][0] if way == "to" else self.path
                return self.plain(302, b"", {"Location": target})
            if way == "down" or (way == "flaky" and web.counts[self.path] <= 2):
                return self.plain(503, b"busy", {"Retry-After": "1"})
            if way == "dated" and web.counts[self.path] == 1:
                return self.plain(429, b"later", {"Retry-After": web.until})
            if name not in web.files:
                return self.plain(404, b"no")
            return self.serve(way, web.files[name])

        def plain(self, status, body, headers=()):
            self.send_response(status)
            for key, value in dict(headers).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def serve(self, way, data):
            data = gzip.compress(data) if way == "packed" else data
            asked = self.headers.get("Range")
            ranged = asked is not None and way not in ("plain", "cutplain")
            start, stop = 0, len(data)
            if ranged:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start, stop = int(first), min(len(data), int(last) + 1 if last else len(data))
            body = data[start:stop]
            self.send_response(206 if ranged else 200)
            if ranged:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
            if way == "packed":
                self.send_header("Content-Encoding", "gzip")
            number = web.counts[self.path] if way == "changing" else 1
            self.send_header("ETag", f'"v{hash(data) & 0xFFFF}-{number}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if way in ("cut", "cutplain") and len(body) > 1:
                self.send(body[: max(1, len(body) // 2)])
                self.close_connection = True
                self.connection.close()
            elif way == "stall" and len(body) > 1:
                self.wfile.flush()
                web.over.wait(5)
            elif way == "drip" and len(body) > 1:
                for byte in body:
                    self.send(bytes([byte]))
                    if web.over.wait(0.03):
                        return
            else:
                self.send(body)

        def send(self, body):
            web.sent += len(body)
            self.wfile.write(body)
            self.wfile.flush()

        def handle(self):
            try:
                super().handle()
            except (OSError, ValueError):  # the reader went away, or the test cut the line
                self.close_connection = True

        def finish(self):
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

    return Handler


@pytest.fixture
def web(monkeypatch):
    """A running `Web`; `web.url` is its address."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    web = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(web))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    web.port = server.server_address[1]
    web.url = f"http://127.0.0.1:{web.port}"
    yield web
    web.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def waits():
    """The seconds that were to be waited."""
    return []


@pytest.fixture
def patience(waits):
    """Short limits, and no waiting between attempts."""
    from curate.sources.fetching.store import Patience

    return Patience(connect_seconds=2, read_seconds=0.4, attempts=4, sleep=waits.append)


@pytest.fixture
def fill(tmp_path):
    """Write files below a folder, all different where neither text, lines nor content is given."""
    count = iter(range(10_000))

    def call(*paths, text=None, lines=None, content=None):
        text = text if lines is None else "\n".join(lines) + "\n"
        for path in paths:
            file = tmp_path / "set" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            given = content if text is None else text.encode()
            file.write_bytes(f"file number {next(count)}".encode() if given is None else given)
        return tmp_path / "set"

    return call
