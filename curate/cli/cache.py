"""`curate cache`: what is kept, whether it is sound, and how to be rid of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curate.cli import shared
from curate.wording import counted


class Verb(StrEnum):
    """What to do with the cache."""

    info = "info"
    verify = "verify"
    trim = "trim"
    clear = "clear"


def cache(
    verb: Annotated[Verb, typer.Argument(help="info, verify, trim or clear.")] = Verb.info,
    cache: shared.CacheFolder = None,
    cache_limit: shared.CacheLimit = None,
    remote: Annotated[bool, typer.Option("--remote", help="clear: remove the copies of remote files, too.")] = False,
    json: shared.Json = False,
) -> int:
    """Say how large the cache is, check its files against their checksums, bring it within its limit, or empty it.

    Copies of remote files are counted apart: results point to them, so that they go only where --remote is said.
    """
    import json as json_module

    from curate.errors import ConfigError
    from curate.evidence.cache import Cache
    from curate.pipeline.cache_folder import limit_bytes, resolve
    from curate.sources.fetching.mirror import copies, remove_copies

    if remote and verb is not Verb.clear:
        raise ConfigError(f"--remote is for `curate cache clear`, not for `{verb.value}`")

    folder = resolve(cache or True)
    assert folder is not None
    store = Cache(folder)
    info = store.info()
    limit = limit_bytes(cache_limit)
    found = {"folder": str(folder), "files": info.files, "bytes": info.bytes, "limit_bytes": limit}
    remote_files, remote_bytes = copies(folder)
    found |= {"remote_files": remote_files, "remote_bytes": remote_bytes}
    code = 0
    if verb is Verb.verify:
        damaged = [str(path) for path in store.verify()]
        found["damaged"] = damaged
        code = 1 if damaged else 0
    elif verb is Verb.trim:
        removed = store.trim(limit)
        found |= {"files_removed": removed.files, "bytes_removed": removed.bytes}
    elif verb is Verb.clear:
        store.clear()
        if remote:
            remove_copies(folder)
    if json:
        shared.echo(json_module.dumps({**found, "cleared": verb is Verb.clear, "remote_cleared": remote}))
        return code
    files = counted(found["files"], "file")
    shared.echo(f"{folder}: {files}, {found['bytes'] / 1e6:,.1f} MB (limit {limit / 1e6:,.0f} MB)")
    if remote_files:
        copies = counted(remote_files, "file")
        shared.echo(f"copies of remote files: {copies}, {remote_bytes / 1e6:,.1f} MB (without limit)")
    if verb is Verb.trim:
        shared.echo(f"removed: {counted(found['files_removed'], 'file')}, {found['bytes_removed'] / 1e6:,.1f} MB")
    if verb is Verb.clear:
        left = " but for the copies of remote files (--remote removes them)" if remote_files and not remote else ""
        shared.echo(f"cleared{left}")
    if verb is Verb.verify:
        for path in found["damaged"]:
            shared.echo(f"damaged (will be measured again): {path}")
        shared.echo(f"{len(found['damaged'])} damaged")
    return code
