"""What several commands share: options with one meaning everywhere, progress, and printing JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[str, typer.Argument(help="Folder, file, glob, saved dataset or hub id.", show_default=False)]
CacheFolder = Annotated[Path | None, typer.Option("--cache", help="Folder of the cache.", show_default=False)]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache.")]
CacheLimit = Annotated[
    str | None,
    typer.Option(
        help="Largest size of the cache, such as 5GB; what was not used for longest is removed.",
        show_default="CURATE_CACHE_LIMIT, else 20GB",
    ),
]
Rehash = Annotated[
    bool, typer.Option("--rehash", help="Read every file, also where path, size and times are as they were.")
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="Memory that decoding and measuring may take beside the program itself, such as 2GB; a file that takes"
        " more than half of it alone is reported and not decoded.",
        show_default="no ceiling",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON on standard output.")]
Encoder = Annotated[str, typer.Option(help="auto, classic, or the name of a model (see `curate schema`).")]
Engine = Annotated[
    str,
    typer.Option(help="Where rows are measured and estimates made: local (this process), or ray (a cluster)."),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Of the Ray cluster: auto (the one this machine belongs to), local (one of this machine alone), host:port"
        " or ray://host:port.",
        show_default="auto",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")]


Target = Annotated[
    str | None,
    typer.Option(
        help="File or folder of what the deployed model will see, or the name of a split.", show_default=False
    ),
]


def cache_option(folder: Path | None, no_cache: bool) -> Path | bool:
    """The `cache` option of the library from the two of the command line."""
    return False if no_cache else (folder or True)


def limit_cache(given: str | None) -> None:
    """Hold the cache to a size for as long as this process runs. Raises ConfigError where it is no size."""
    from curate.pipeline.cache_folder import LIMIT, limit_bytes

    limit_bytes(given)
    if given is not None:
        os.environ[LIMIT] = given


def refuse_outputs(read: Sequence[str | Path | None] = (), **files: Path | None) -> None:
    """Say before any work that a file which an option names can't be written there.

    Args:
        read: what the command reads; a file among it is not written over.
        files: option -> the file that it names, None where it is not given.

    Raises:
        ConfigError: it is a folder or a device, one that is read, or named by two options.
        StorageError: its folder can't be written.
    """
    from curate.errors import ConfigError, CurateError
    from curate.storage import refuse_file

    named: dict[Path, str] = {}
    sources = {Path(source).resolve() for source in read if source is not None}
    for option, path in files.items():
        if path is None:
            continue
        try:
            refuse_file(path)
            place = path.resolve()
            if place in sources:
                raise ConfigError(f"{path} is what is read, and would be lost; name another file")
            if place in named:
                raise ConfigError(f"{path} is what --{named[place]} names, too; name another file")
        except CurateError as error:
            raise type(error)(f"--{option}: {error}") from error
        named[place] = option


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar on standard error, only on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        known: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage, total=total)
            bars.update(known[stage], completed=done, total=total)

        yield tell


def console() -> Any:
    """Standard output for people; 100 columns wide where it is no terminal, so that nothing is cut."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100, highlight=False)


def echo(text: str, end: str = "\n") -> None:
    """Print text as it is on standard output, whatever the encoding of the terminal."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end=end)


def say(text: str) -> None:
    """Tell people something on standard error, where it does not mix with results; data strings show as they are."""
    from curate.report.plain import printable

    encoding = sys.stderr.encoding or "utf-8"
    print(f"curate: {printable(text)}".encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
