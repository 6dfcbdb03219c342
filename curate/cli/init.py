"""`curate init`: look at the data and write a pipeline that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared


def init(
    data: shared.Data,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("pipeline.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    label: shared.Label = None,
    annotators: shared.Annotators = None,
    text: shared.Text = None,
    image: shared.Image = None,
    audio: shared.Audio = None,
    video: shared.Video = None,
    mask: shared.Mask = None,
    probabilities: shared.Probabilities = None,
    boxes: shared.Boxes = None,
    box_format: shared.BoxFormat = None,
    features: shared.Features = None,
    id: shared.Id = None,
    split: shared.Split = None,
    group: shared.Group = None,
) -> int:
    """Look at the data and write a commented pipeline file that runs as it is."""
    from curate.errors import ConfigError
    from curate.pipeline.draft import draft
    from curate.pipeline.files import write_text
    from curate.sources import describe, load

    if out.exists() and not force:
        raise ConfigError(f"{out} exists; replace it with --force, or name another file with --out")
    roles = shared.make_task(
        label=label,
        annotators=annotators,
        text=text,
        image=image,
        audio=audio,
        video=video,
        mask=mask,
        probabilities=probabilities,
        boxes=boxes,
        box_format=box_format,
        features=features,
        id=id,
        split=split,
        group=group,
    )
    table = load(data, roles)
    write_text(out, draft(table, data, out.parent))
    for line in describe(table):
        shared.echo(line)
    shared.echo(f"written: {out}\nnext: curate run {out}")
    return 0
