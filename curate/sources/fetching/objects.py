"""Reading from services of objects (S3, Google Cloud Storage) through fsspec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from curate.errors import ConfigError, CurateError, DataError, MissingPackage
from curate.media.sniff import plainly
from curate.sources.fetching.store import BLOCK_BYTES, Passing, Patience, Remote, patiently
from curate.sources.fetching.urls import checked, shown

Got = TypeVar("Got")
PART_BYTES = 8 * BLOCK_BYTES
"""Asked for at once."""
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}


class ObjectStore:
    """Buckets. Credentials and endpoints come from where s3fs and gcsfs look for them (the environment, their files).

    Args:
        scheme: s3, gs, gcs, or memory (of this process).
        patience: limits.

    Raises:
        MissingPackage: s3fs or gcsfs is not installed.
        ConfigError: they can't be set up.
    """

    def __init__(self, scheme: str, patience: Patience) -> None:
        import fsspec

        self.patience, self._scheme = patience, scheme
        try:
            self._files: Any = fsspec.filesystem(scheme, **_options(scheme, patience))
        except ImportError:
            raise MissingPackage(
                _PACKAGES[scheme], "remote" if scheme == "s3" else "gcs", f"reading {scheme}:// data"
            ) from None
        except Exception as error:  # whatever their settings make them raise
            raise ConfigError(f"{scheme}:// can't be read: {type(error).__name__}: {plainly(error)}") from None

    def stat(self, url: str) -> Remote:
        """Size and version of one object. Raises DataError."""
        checked(url)
        found = self._try(url, lambda: self._files.info(_key(url)))
        if found.get("type") == "directory":
            raise DataError(f"{shown(url)}: a folder, not a file")
        return self._remote(found)

    def files(self, url: str) -> list[Remote]:
        """All objects below a prefix, by name."""
        checked(url)
        key = _key(url).rstrip("/")
        found = self._try(url, lambda: self._files.find(key, detail=True))
        below = [about for name, about in sorted(found.items()) if name.strip("/") != key.strip("/")]
        return [self._remote(about) for about in below if about.get("type") == "file"]

    def blocks(self, remote: Remote, start: int, stop: int | None) -> Iterator[bytes]:
        """The bytes, asked for in parts."""
        stop = remote.size if stop is None else stop
        place = start
        while stop is None or place < stop:
            end = min(place + PART_BYTES, stop) if stop is not None else place + PART_BYTES
            part = self._once(remote.url, lambda a=place, b=end: self._files.cat_file(_key(remote.url), start=a, end=b))
            if not part:
                return
            yield part
            place += len(part)

    def _remote(self, about: dict[str, Any]) -> Remote:
        version = about.get("ETag") or about.get("etag") or about.get("LastModified") or about.get("created") or ""
        name = str(about["name"]).lstrip("/")
        return Remote(f"{self._scheme}://{name}", about.get("size"), str(version), True)

    def _try(self, url: str, ask: Callable[[], Got]) -> Got:
        return patiently(lambda: self._once(url, ask), self.patience, url)

    def _once(self, url: str, ask: Callable[[], Got]) -> Got:
        """What is asked for. Raises DataError where it isn't there, or may not be read, Passing for the rest."""
        try:
            return ask()
        except CurateError:
            raise
        except FileNotFoundError:
            raise DataError(f"{shown(url)}: there is no such file or folder") from None
        except PermissionError as error:
            raise DataError(f"{shown(url)}: may not be read: {_plain(error)}") from None
        except Exception as error:  # botocore, aiohttp and google-auth share no base
            if "Credentials" in type(error).__name__ or "Credentials" in str(error):
                raise DataError(
                    f"{shown(url)}: no credentials are set up for {self._scheme}://; set them in the environment, or"
                    f" FSSPEC_{self._scheme.upper()}_ANON=true for public data"
                ) from None
            raise Passing(_plain(error)) from None


def _key(url: str) -> str:
    parts = urlsplit(url, allow_fragments=False)
    return url.partition("://")[2] if parts.query else f"{parts.netloc}{parts.path}"


def _plain(error: Exception) -> str:
    return f"{type(error).__name__}: {plainly(error)}" if str(error) else type(error).__name__


def _options(scheme: str, patience: Patience) -> dict[str, Any]:
    if scheme != "s3":
        return {}
    config = {
        "connect_timeout": patience.connect_seconds,
        "read_timeout": patience.read_seconds,
        "retries": {"max_attempts": 1},
    }
    return {"config_kwargs": config, "use_listings_cache": False, "skip_instance_cache": True}
