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
    clear = "clear"


def cache(
    verb: Annotated[Verb, typer.Argument(help="info, verify or clear.")] = Verb.info,
    cache: shared.CacheFolder = None,
    json: shared.Json = False,
) -> int:
    """Say how large the cache is, check its files against their checksums, or empty it."""
    import json as json_module

    from curate.evidence.cache import Cache
    from curate.pipeline.cache_folder import resolve

    folder = resolve(cache or True)
    assert folder is not None
    store = Cache(folder)
    info = store.info()
    found = {"folder": str(folder), "files": info.files, "bytes": info.bytes}
    code = 0
    if verb is Verb.verify:
        damaged = [str(path) for path in store.verify()]
        found["damaged"] = damaged
        code = 1 if damaged else 0
    elif verb is Verb.clear:
        store.clear()
    if json:
        shared.echo(json_module.dumps({**found, "cleared": verb is Verb.clear}))
        return code
    shared.echo(f"{folder}: {found['files']:,} files, {found['bytes'] / 1e6:,.1f} MB")
    if verb is Verb.clear:
        shared.echo("cleared")
    if verb is Verb.verify:
        for path in found["damaged"]:
            shared.echo(f"damaged (will be measured again): {path}")
        shared.echo(f"{len(found['damaged'])} damaged")
    return code
