"""`curate cache`: what is kept, whether it is sound, and how to be rid of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from curate.cli import shared


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
    json: shared.Json = False,
) -> int:
    """Say how large the cache is, check its files against their checksums, bring it within its limit, or empty it."""
    import json as json_module

    from curate.evidence.cache import Cache
    from curate.pipeline.cache_folder import limit_bytes, resolve

    folder = resolve(cache or True)
    assert folder is not None
    store = Cache(folder)
    info = store.info()
    limit = limit_bytes(cache_limit)
    found = {"folder": str(folder), "files": info.files, "bytes": info.bytes, "limit_bytes": limit}
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
    if json:
        shared.echo(json_module.dumps({**found, "cleared": verb is Verb.clear}))
        return code
    shared.echo(f"{folder}: {found['files']:,} files, {found['bytes'] / 1e6:,.1f} MB (limit {limit / 1e6:,.0f} MB)")
    if verb is Verb.trim:
        shared.echo(f"removed: {found['files_removed']:,} files, {found['bytes_removed'] / 1e6:,.1f} MB")
    if verb is Verb.clear:
        shared.echo("cleared")
    if verb is Verb.verify:
        for path in found["damaged"]:
            shared.echo(f"damaged (will be measured again): {path}")
        shared.echo(f"{len(found['damaged'])} damaged")
    return code
