"""Reading over HTTP: parts of files, time-outs, and redirects that lead nowhere else."""

from __future__ import annotations

import netrc
import time
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from curate.errors import ConfigError, DataError, MissingPackage
from curate.sources.fetching.store import BLOCK_BYTES, Passing, Patience, Remote, patiently
from curate.sources.fetching.urls import HTTP, checked, refuse_address, shown

MOST_REDIRECTS = 5
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others a moment later."""
REDIRECTS = (301, 302, 303, 307, 308)


class HttpStore:
    """Servers of http and https.

    A redirect is followed to http or https alone (never from https down to http), and to a private address only on the
    host that was named. The address is looked at where the connection stands, so that a name can't change in between.

    Args:
        patience: limits.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._pools: dict[tuple[str, bool], Any] = {}
        self._places: dict[str, str] = {}

    def files(self, url: str) -> list[Remote]:
        """HTTP has no folders: always []."""
        return []

    def stat(self, url: str) -> Remote:
        """Size, version and whether parts can be had, found by asking for the first byte."""
        return patiently(lambda: self._stat(url), self.patience, url)

    def _stat(self, url: str) -> Remote:
        answer = self._ask(url, {"Range": "bytes=0-0"})
        try:
            headers = answer.headers
            # What is sent compressed though that was not asked for has its sizes and parts in compressed bytes.
            packed = headers.get("Content-Encoding", "identity") != "identity"
            ranges = answer.status == 206 and not packed
            total = headers.get("Content-Range", "").rpartition("/")[2] if ranges else headers.get("Content-Length", "")
            total = "" if packed else total
            tag = headers.get("ETag") or headers.get("Last-Modified") or ""
            return Remote(url, int(total) if total.isdigit() else None, tag, ranges and total.isdigit())
        finally:
            answer.close()

    def blocks(self, remote: Remote, start: int, stop: int | None) -> Iterator[bytes]:
        """Bytes from `start` to before `stop`; from a server without ranges those before are read and left."""
        headers: dict[str, str] = {}
        if remote.ranges and (start or stop != remote.size):
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
            if remote.version.startswith('"'):
                headers["If-Range"] = remote.version
        answer = self._ask(remote.url, headers)
        try:
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            if remote.version and tag and tag != remote.version:
                raise DataError(f"{shown(remote.url)}: changed while it was read; start again")
            skip = start if answer.status != 206 else 0
            yield from self._wanted(answer, skip, None if stop is None else stop - start)
        finally:
            answer.close()

    def _wanted(self, answer: Any, skip: int, count: int | None) -> Iterator[bytes]:
        """`count` bytes after the first `skip`."""
        for block in self._stream(answer):
            if skip:
                block, skip = block[skip:], max(0, skip - len(block))
            if count is not None:
                block = block[:count]
                count -= len(block)
            if block:
                yield block
            if count == 0:
                return

    def _stream(self, answer: Any) -> Iterator[bytes]:
        """All bytes of an answer. Raises Passing where it stalls, or breaks off."""
        from urllib3.exceptions import HTTPError

        began, got = time.monotonic(), 0
        try:
            while block := answer.read1(BLOCK_BYTES, decode_content=True):
                got += len(block)
                yield block
                spent = time.monotonic() - began
                if spent > self.patience.read_seconds and got < spent * self.patience.slowest:
                    why = f"the server sends less than {self.patience.slowest:,.0f} bytes per second"
                    raise Passing(why, slow=True)
        except (HTTPError, OSError) as error:
            raise Passing(_why(error)) from None

    def _ask(self, url: str, headers: dict[str, str]) -> Any:
        """The answer to GET after redirects. Raises Passing, DataError."""
        named, place, secure = checked(url), url, url.startswith("https:")
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._once(place, headers, named.hostname or "")
            if answer.status not in REDIRECTS:
                break
            answer.close()
            place = self._next(url, place, answer.headers.get("Location", ""), secure)
        else:
            raise DataError(f"{shown(url)}: more than {MOST_REDIRECTS} redirects")
        if answer.status in PASSING:
            answer.close()
            raise Passing(f"HTTP {answer.status}", _asked_seconds(answer.headers))
        if answer.status not in (200, 206):
            answer.close()
            raise DataError(f"{shown(url)}: HTTP {answer.status}{_SAID.get(answer.status, '')}")
        return answer

    def _next(self, url: str, place: str, location: str, secure: bool) -> str:
        """Where a redirect leads. Raises DataError where it may not be followed."""
        if not location:
            raise DataError(f"{shown(url)}: a redirect without a target")
        target = urljoin(place, location)
        scheme = urlsplit(target).scheme
        if scheme not in HTTP or (secure and scheme == "http"):
            raise DataError(f"{shown(url)}: redirected to {shown(target)}: to {scheme}:// it is not followed")
        try:
            checked(target)
        except ConfigError as error:
            raise DataError(f"{shown(url)}: redirected to what is not read: {error}") from None
        return target

    def _once(self, place: str, headers: dict[str, str], named: str) -> Any:
        """One answer, no redirect followed; `named` is the host that the user named."""
        from urllib3.exceptions import HTTPError, LocationValueError

        parts = urlsplit(place)
        own = parts.hostname == named
        refuse_address(parts.hostname or "", place, private=own)
        sent = {"Accept-Encoding": "identity", "User-Agent": "curate", **headers}
        if own and (login := _login(named)):
            sent["Authorization"] = login
        try:
            pool = self._pool(parts.scheme, parts.hostname or "", own)
            return pool.request("GET", place, headers=sent, preload_content=False, redirect=False)
        except LocationValueError as error:
            raise DataError(f"{shown(place)}: no URL: {error}") from None
        except (HTTPError, OSError) as error:
            raise Passing(_why(error)) from None

    def _pool(self, scheme: str, host: str, own: bool) -> Any:
        """Connections of which each is looked at before anything is sent; behind a proxy the proxy decides."""
        try:
            import urllib3
        except ImportError:
            raise MissingPackage("urllib3", "remote", "reading data over HTTP") from None
        proxy = getproxies().get(scheme, "") if not proxy_bypass(host) else ""
        key = (proxy, own)
        if key not in self._pools:
            limits = {
                "timeout": urllib3.Timeout(connect=self.patience.connect_seconds, read=self.patience.read_seconds),
                "retries": False,
            }
            if proxy:
                self._pools[key] = urllib3.ProxyManager(proxy, **limits)
            else:
                self._pools[key] = urllib3.PoolManager(**limits)
                self._pools[key].pool_classes_by_scheme = _guarded(own)
        return self._pools[key]


def _asked_seconds(headers: Mapping[str, str]) -> float | None:
    """What ``Retry-After`` asks for: seconds, or until a date, by the server's own clock where its answer tells it."""
    after = headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    until = _moment(after)
    if until is None:
        return None
    return until - (_moment(headers.get("Date", "")) or time.time())


def _moment(date: str) -> float | None:
    """Seconds since 1970 of a date in a header, in any of the three forms of RFC 9110; None where it is none."""
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _guarded(private: bool) -> dict[str, Any]:
    """Classes of pools whose connections are closed, before a request is sent, where they lead to a refused address."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def looked_at(connection: Any, sock: Any) -> Any:
        try:
            refuse_address(sock.getpeername()[0], f"http://{connection.host}", private=private)
        except BaseException:
            sock.close()
            raise
        return sock

    class Plain(HTTPConnection):
        def _new_conn(self) -> Any:
            return looked_at(self, super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> Any:
            return looked_at(self, super()._new_conn())

    plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
    return {"http": plain, "https": secure}


def _login(host: str) -> str:
    """The header of a login that ``~/.netrc`` has for a host; empty where there is none."""
    from base64 import b64encode

    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):  # no such file, or one that others may read
        return ""
    if not found or not found[2]:
        return ""
    return "Basic " + b64encode(f"{found[0]}:{found[2]}".encode()).decode()


_SAID = {
    401: ": a login is needed (put it into ~/.netrc)",
    403: ": may not be read",
    404: ": there is no such file",
    410: ": there is no such file any more",
    416: ": the file is shorter than the part that was asked for",
}


def _why(error: Exception) -> str:
    """What went wrong with a connection, without the addresses and objects that libraries put into their messages."""
    name = type(error).__name__
    known = {
        "ConnectTimeoutError": "no connection within the time limit",
        "ReadTimeoutError": "the server sent nothing within the time limit",
        "NameResolutionError": "the name of the host is not known",
        "NewConnectionError": "the connection was refused",
        "IncompleteRead": "the answer broke off",
        "ProtocolError": "the connection broke off",
        "SSLError": "the server's certificate is not valid",
        "TimeoutError": "the server sent nothing within the time limit",
    }
    return known.get(name, name)
