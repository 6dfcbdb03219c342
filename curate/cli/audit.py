"""`curate audit`: what is wrong with a dataset."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from curate.cli import shared
from curate.cli.roles import with_roles

if TYPE_CHECKING:
    from curate.pipeline.gate import Gate
    from curate.report import Report

INCOMPLETE = 3
"""Exit code of an audit that could not judge all that it should have."""


class Format(StrEnum):
    """What is printed on standard output."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    junit = "junit"
    github = "github"
    markdown = "markdown"


_GATE = (
    "Fail (exit code 1) if CHECK[.ISSUE][[SPLIT]] > NUMBER[%] holds, e.g. 'label_errors > 2%', 'any > 5%',"
    " 'image_quality.blurry > 10', 'label_errors[test] > 0': rows flagged, or their share of those judged. Repeatable."
)
_BASELINE = (
    "An earlier audit (its JSON report, the Parquet file of its findings, or the folder of a result): only findings"
    " that are not in it count for --fail-on; without --fail-on, any new finding fails. Findings are the same if row"
    " id, check and issue are; unless --id names a column, a row that was edited or relabelled has another id."
)


Gates = Annotated[list[str] | None, typer.Option(help=_GATE)]
Baseline = Annotated[Path | None, typer.Option(help=_BASELINE)]
Printed = Annotated[
    Format,
    typer.Option(
        help="What to print: text for people; the report as json; its findings as jsonl; junit; github (annotations"
        " with file and line); markdown."
    ),
]
AllowIncomplete = Annotated[
    bool,
    typer.Option(
        "--allow-incomplete",
        help="Exit as if all was judged where a check could not run (a missing package, a fault of its own);"
        " otherwise the exit code is 3. A gate on such a check still gives 3.",
    ),
]

Augment = Annotated[
    Path | None,
    typer.Option(
        help="A pipeline file: the report shows what its augment steps make of training rows (a contact sheet), and"
        " how often each operation changes nothing or leaves the class.",
        show_default=False,
    ),
]


@with_roles
def audit(
    data: shared.Data,
    roles: Any = None,
    target: shared.Target = None,
    checks: Annotated[str | None, typer.Option(help="Comma-separated names; all that apply if left out.")] = None,
    findings: Annotated[Path | None, typer.Option(help="Write every finding to this Parquet file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report to this HTML file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a dataset card's section to this file.")] = None,
    croissant: Annotated[Path | None, typer.Option(help="Write Croissant metadata to this JSON-LD file.")] = None,
    format: Printed = Format.text,
    fail_on: Gates = None,
    baseline: Baseline = None,
    allow_incomplete: AllowIncomplete = False,
    augment: Augment = None,
    encoder: shared.Encoder = "auto",
    seed: shared.Seed = 0,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    cache: shared.CacheFolder = None,
    no_cache: shared.NoCache = False,
    cache_limit: shared.CacheLimit = None,
    rehash: shared.Rehash = False,
    memory: shared.Memory = None,
    engine: shared.Engine = "local",
    address: shared.Address = None,
) -> int:
    """Find out what is wrong with a dataset, row by row. Nothing is changed.

    Exit codes: 0; 1 a gate failed; 2 wrong use; 3 the data can't be read, or a check could not run, so that not all
    was judged (rows that can't be read are findings, and a check that doesn't apply is not missing); 4 a fault of
    curate or of the machine. Results go to standard output, all else to standard error.
    """
    from curate.cli.frames import without_pandas

    without_pandas()
    from curate.engines.choosing import chosen
    from curate.errors import ConfigError
    from curate.evidence.memory import limit_memory
    from curate.evidence.settings import EvidenceSettings
    from curate.pipeline.auditing import audit as run_audit
    from curate.pipeline.cache_folder import resolve
    from curate.pipeline.cache_use import known_files
    from curate.sources import load

    shared.limit_cache(cache_limit)
    limit_memory(memory)
    if findings is not None and findings.suffix.lower() not in ("", ".parquet", ".pq"):
        named = findings.with_suffix(".parquet")
        raise ConfigError(f"--findings: {findings}: findings are written as Parquet: name the file {named}")
    shared.refuse_outputs((data, augment), findings=findings, html=html, markdown=markdown, croissant=croissant)
    format = _format(format, json)
    gates = _gates(fail_on, baseline)
    earlier = None if baseline is None else _earlier(baseline)
    augmenting = None if augment is None else _augmenting(augment)
    names = [name.strip() for name in checks.split(",") if name.strip()] if checks else None
    where = shared.cache_option(cache, no_cache)
    with chosen(engine, address):  # files are hashed there, too
        with known_files(resolve(where), rehash) as read:
            table = load(data, roles, target=target)
        for sentence in read.notes:
            shared.say(sentence)
        for gate in gates:
            gate.must_fit(table)
        with shared.progress(quiet=format is not Format.text) as tell:
            report = run_audit(
                table,
                names,
                evidence=EvidenceSettings(encoder=encoder),
                seed=seed,
                cache=where,
                rehash=rehash,
                progress=tell,
                augment=augmenting,
                engine=cast(Any, engine),  # which names there are is said where it is chosen
                address=address,
            )
    report, unjudged = _judge(report, gates, earlier)
    _write(report, findings=findings, html=html, markdown=markdown, croissant=croissant)
    _print(report, format)
    if format is Format.text:
        for path in (findings, html, markdown, croissant):
            if path is not None:
                shared.say(f"written: {path}")
    return _close(report, unjudged, allow_incomplete)


def _earlier(baseline: Path) -> Any:
    from curate.pipeline.baseline import Earlier

    return Earlier.read(baseline)


def _augmenting(file: Path) -> Any:
    from curate.pipeline.augment_audit import AugmentAudit

    return AugmentAudit.of(file)


def _format(format: Format, json: bool) -> Format:
    from curate.errors import ConfigError

    if json and format not in (Format.text, Format.json):
        raise ConfigError(f"--json and --format {format.value} contradict each other: leave one out")
    return Format.json if json else format


def _gates(fail_on: list[str] | None, baseline: Path | None) -> list[Gate]:
    """The gates that were asked for; beside a baseline without any, that nothing new is found."""
    from curate.pipeline.gate import ANY, Gate

    gates = [Gate.parse(gate) for gate in fail_on or ()]
    return gates or ([] if baseline is None else [Gate.parse(f"{ANY} > 0")])


def _judge(report: Report, gates: list[Any], earlier: Any) -> tuple[Report, list[str]]:
    """The report with its gates judged, and sentences about gates whose check could not run."""
    from curate.pipeline.gate import judge

    table = report.material.table
    against, new = (None, None) if earlier is None else earlier.compare(report.found, table.row_ids)
    outcomes, unjudged = judge(gates, report.found, table, new=new, skipped=report.skipped)
    return report.judged(outcomes, against), unjudged


def _write(
    report: Report, *, findings: Path | None, html: Path | None, markdown: Path | None, croissant: Path | None
) -> None:
    from curate.pipeline.files import write_parquet

    if findings is not None:
        write_parquet(findings, report.findings)
    if html is not None:
        report.to_html(html, findings_path=None if findings is None else str(findings))
    if markdown is not None:
        report.to_markdown(markdown)
    if croissant is not None:
        report.to_croissant(croissant)


def _print(report: Report, format: Format) -> None:
    if format is Format.text:
        from curate.report.terminal import render

        render(report, shared.console())
        return
    made = {
        Format.json: report.to_json,
        Format.jsonl: report.to_jsonl,
        Format.junit: report.to_junit,
        Format.github: report.to_github,
        Format.markdown: report.to_markdown,
    }
    shared.echo(made[format](), end="")


def _close(report: Report, unjudged: list[str], allow_incomplete: bool) -> int:
    """Say on standard error what decided the exit code, and give it."""
    document = report.material
    if document.baseline is not None:
        shared.say(document.baseline.sentence)
    failed = [gate for gate in document.gates if gate.failed]
    for sentence in [*(gate.sentence for gate in failed), *unjudged]:
        shared.say(sentence)
    for check, why in report.skipped.items():
        shared.say(f"not all was judged: {check} could not run: {why}")
    if failed:
        return 1
    return INCOMPLETE if unjudged or (report.skipped and not allow_incomplete) else 0
