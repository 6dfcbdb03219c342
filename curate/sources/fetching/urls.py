"""URLs of remote data: which are read, how they are shown, and which hosts are never asked."""

from __future__ import annotations

import ipaddress
import math
import re
from itertools import product
from urllib.parse import SplitResult, urlsplit

from curate.errors import ConfigError, DataError

HTTP = ("http", "https")
OBJECTS = ("s3", "gs", "gcs", "memory")
SCHEMES = (*HTTP, *OBJECTS)
"""Schemes that are read. Others of fsspec (file, ftp, sftp, ssh, smb, git, chained ones, ...) are refused."""
MOST_URLS = 100_000
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*://")
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def is_remote(name: object) -> bool:
    """Whether that is a URL, of whatever scheme, other than one of the hub."""
    return isinstance(name, str) and bool(_URL.match(name)) and not name.startswith("hf://")


def checked(url: str) -> SplitResult:
    """The parts of a URL that may be read.

    Raises:
        ConfigError: a scheme that is not read, a user or password in the URL, no host, or characters that steer.
    """
    if any(ord(c) < 33 or ord(c) == 127 for c in url):
        raise ConfigError(f"{shown(url)!r}: a URL holds no blanks, line breaks or control characters")
    scheme = url.split("://")[0]
    if scheme.lower() not in SCHEMES:
        raise ConfigError(
            f"{shown(url)}: remote data are read from {', '.join(f'{s}://' for s in SCHEMES[:-1])} and hf://, not from"
            f" {scheme[:20]}://"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{shown(url)}: no URL: {error}") from None
    if "@" in parts.netloc:
        raise ConfigError(
            f"{shown(url)}: no user name or password in a URL, where they would stand in logs and results; for http put"
            " them into ~/.netrc, for s3 and gs into the environment or the tool's own configuration"
        )
    if not parts.hostname or port == 0:
        raise ConfigError(f"{shown(url)}: the URL names no host")
    if _climbs(parts.path):
        raise ConfigError(f"{shown(url)}: a URL of data has no part '..'")
    return parts


def _climbs(path: str) -> bool:
    from urllib.parse import unquote

    return any(part == ".." for part in re.split(r"[\\/]", unquote(unquote(path))))


def shown(url: str) -> str:
    """A URL as messages, notes and results show it: without user, password, query and fragment."""
    head, mark, rest = url.partition("://")
    if not mark:
        return url
    cut = min((place for place in (rest.find("?"), rest.find("#")) if place >= 0), default=len(rest))
    hidden = "?…" if rest[cut : cut + 1] == "?" else ""
    body = rest[:cut]
    host, slash, path = body.partition("/")
    return f"{head}://{host.rpartition('@')[2]}{slash}{path}{hidden}"


def expanded(url: str) -> list[str]:
    """The URLs behind numbered braces, ``shard-{000..012}.tar``, in their order.

    Raises:
        ConfigError: a range that runs backwards, or more than 100,000 URLs.
    """
    ranges = list(_BRACES.finditer(url))
    if not ranges:
        return [url]
    for found in ranges:
        if int(found[2]) < int(found[1]):
            raise ConfigError(f"{shown(url)}: {found[0]} must count upwards")
    if math.prod(int(found[2]) - int(found[1]) + 1 for found in ranges) > MOST_URLS:
        raise ConfigError(f"{shown(url)}: stands for more than {MOST_URLS:,} URLs")
    numbers = [[f"{n:0{len(found[1])}d}" for n in range(int(found[1]), int(found[2]) + 1)] for found in ranges]
    between = _BRACES.split(url)[::3]
    return ["".join(part + number for part, number in zip(between, (*some, ""))) for some in product(*numbers)]


def refuse_address(address: str, url: str, *, private: bool) -> None:
    """Refuse addresses that data is never served from, and with `private` False those of a local network.

    Args:
        address: that the host's name stands for.
        url: for the message.
        private: whether loopback and private networks may be asked: the user named the host, no server did.

    Raises:
        DataError: the address is link-local (where clouds serve credentials), multicast, unspecified or reserved; or
            private, and that is not allowed.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    bad = found.is_link_local or found.is_multicast or found.is_unspecified or str(found) in METADATA
    if bad or (found.is_reserved and not found.is_loopback):
        raise DataError(f"{shown(url)}: the address {found} is refused: link-local and reserved ones serve no data")
    if not private and not found.is_global:
        raise DataError(f"{shown(url)}: a server redirects to the private address {found}, which is refused")


METADATA = ("100.100.100.200", "fd00:ec2::254", "192.0.0.192")
"""Addresses of clouds' metadata that are not link-local."""
