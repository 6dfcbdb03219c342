"""What a command does with the cache beside evidence: known files, and its limit of size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.file_stamps import FileStamps
from curate.media.known_files import remembering
from curate.pipeline.cache_folder import limit_bytes


class _Nothing:
    """Stands for known files where there is no cache."""

    notes: tuple[str, ...] = ()


@contextmanager
def known_files(folder: Path | None, rehash: bool = False) -> Iterator[FileStamps | _Nothing]:
    """Within the block, files whose path, size and times are known are not read again to be hashed.

    Args:
        folder: of the cache, None for none.
        rehash: read them all the same.
    """
    if folder is None:
        yield _Nothing()
        return
    stamps = FileStamps(folder, rehash)
    with remembering(stamps):
        yield stamps


def within_limit(folder: Path | None) -> list[str]:
    """Bring the cache within its limit; a sentence where that failed.

    Raises:
        ConfigError: the limit of the environment is no size.
    """
    if folder is None:
        return []
    try:
        Cache(folder).trim(limit_bytes())
    except StorageError as error:
        return [f"the cache is not brought within its limit: {error}"]
    return []
