"""`curate audit`: what is wrong with a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared


def audit(
    data: shared.Data,
    label: shared.Label = None,
    text: shared.Text = None,
    image: shared.Image = None,
    audio: shared.Audio = None,
    video: shared.Video = None,
    features: shared.Features = None,
    id: shared.Id = None,
    split: shared.Split = None,
    group: shared.Group = None,
    checks: Annotated[str | None, typer.Option(help="Comma-separated names; all that apply if left out.")] = None,
    findings: Annotated[Path | None, typer.Option(help="Write every finding to this Parquet file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report to this HTML file.")] = None,
    fail_on: Annotated[
        list[str] | None, typer.Option(help="Fail (exit code 1) on e.g. 'label_errors > 2%'. Can be repeated.")
    ] = None,
    encoder: shared.Encoder = "auto",
    seed: shared.Seed = 0,
    json: shared.Json = False,
    cache: shared.CacheFolder = None,
    no_cache: shared.NoCache = False,
) -> int:
    """Find out what is wrong with a dataset, row by row. Nothing is changed."""
    from curate.evidence.settings import EvidenceSettings
    from curate.pipeline.auditing import audit as run_audit
    from curate.pipeline.files import write_parquet
    from curate.pipeline.gate import Gate, judge
    from curate.report.terminal import render
    from curate.sources import load

    gates = [Gate.parse(gate) for gate in fail_on or ()]
    names = [name.strip() for name in checks.split(",") if name.strip()] if checks else None
    roles = shared.make_task(
        label=label,
        text=text,
        image=image,
        audio=audio,
        video=video,
        features=features,
        id=id,
        split=split,
        group=group,
    )
    with shared.progress(quiet=json) as tell:
        table = load(data, roles)
        report = run_audit(
            table,
            names,
            evidence=EvidenceSettings(encoder=encoder),
            seed=seed,
            cache=shared.cache_option(cache, no_cache),
            progress=tell,
        )
    if findings is not None:
        write_parquet(findings, report.findings)
    if html is not None:
        report.to_html(html, findings_path=None if findings is None else str(findings))
    if json:
        shared.echo(report.to_json())
    else:
        render(report, shared.console())
        for path in (findings, html):
            if path is not None:
                shared.echo(f"written: {path}")
    failed = judge(gates, report.found)
    for sentence in failed:
        typer.echo(f"curate: {sentence}", err=True)
    return 1 if failed else 0
