"""`curate compare`: whether a pipeline helps a model; or the difference of two audits or of two results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import shared
from curate.wording import noun

_FIRST = (
    "A pipeline file (YAML): does its curation help? Or a JSON report, a Parquet file of findings, or the folder of a"
    " result."
)
_SECOND = "A report, Parquet file or folder to compare with the first; not with a pipeline file."
_TEST = (
    "Test rows that the pipeline has never seen: data like the source's (with labels), or the name of a split of the"
    " source. The split 'test' if left out."
)
PIPELINE_ENDINGS = (".yaml", ".yml")
_TRAINING = "Of a pipeline file"


def _option(help: str, **more: object) -> typer.models.OptionInfo:
    return typer.Option(help=help, rich_help_panel=_TRAINING, **more)  # type: ignore[arg-type]


def compare(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(help=_FIRST, show_default=False)],
    second: Annotated[Path | None, typer.Argument(help=_SECOND, show_default=False)] = None,
    test: Annotated[str | None, _option(_TEST, show_default=False)] = None,
    source: Annotated[str | None, _option("Data to curate instead of the pipeline's own source.")] = None,
    model: Annotated[
        str,
        _option(
            "What is trained: head (a linear head on the embedding, in seconds), or the name or folder of a"
            " transformers model, which is fine-tuned."
        ),
    ] = "head",
    seeds: Annotated[int, _option("How often every arm is trained.", min=1, max=100)] = 5,
    steps: Annotated[
        str | None,
        _option(
            "Comma-separated names of the steps to leave out, one at a time; each if left out.", show_default=False
        ),
    ] = None,
    alone: Annotated[bool, _option("Train with each step alone, too.")] = False,
    metric: Annotated[
        str | None,
        _option(
            "accuracy, f1_macro, balanced_accuracy; mean_average_precision, f1_macro, f1_micro for sets of labels;"
            " rmse, mae, r2 for numbers. If left out: accuracy, or f1_macro where the largest class of the test has 3"
            " times the rows of the smallest; mean_average_precision; rmse.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        _option(
            "How long every arm is trained: '20 epochs' of the raw rows, or '500 steps'. All arms make the same number"
            " of steps. If left out: 20 epochs within 300 and 2,000 steps for the head, 3 epochs for other models.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, _option("Rows per step; 128 for the head, else that of the feed.", min=1, show_default=False)
    ] = None,
    fail_on_harm: Annotated[
        bool,
        typer.Option(
            "--fail-on-harm", help="Exit with 1 if a step or the whole pipeline hurts.", rich_help_panel=_TRAINING
        ),
    ] = False,
    out: Annotated[
        Path | None,
        _option("Folder for the comparison: page, JSON, every prediction, manifest.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the comparison to this HTML file.", show_default=False)
    ] = None,
    json: shared.Json = False,
    cache: shared.CacheFolder = None,
    no_cache: shared.NoCache = False,
) -> int:
    """Say whether a pipeline helps: `curate compare pipeline.yaml --test data/test` trains the same model on raw rows,
    on curated rows and without each step, and compares them on test rows that nothing is learned from.

    Of two audits or results, `curate compare A B` says what changed: rows gained, lost, relabelled and weighted anew,
    issues, class shares and measures. Reports say nothing of rows without an issue; Parquet files and folders name
    every row.

    Exit codes: 0; 1 something hurts and --fail-on-harm is given; 2 wrong use; 3 data can't be read.
    """
    shared.refuse_outputs((first, second, source, test), html=html)
    if first.suffix.lower() not in PIPELINE_ENDINGS:
        return _of_two(first, second, html, json, _of_pipelines(context))
    if second is not None:
        raise typer.BadParameter(
            f"{second}: a pipeline file takes no second argument; name the data that it curates with --source, and"
            " test rows with --test"
        )
    asked = {
        "test": test,
        "model": model,
        "seeds": seeds,
        "steps": None if steps is None else [name.strip() for name in steps.split(",") if name.strip()],
        "alone": alone,
        "metric": metric,
        "budget": budget,
        "batch_size": batch_size,
        "out": out,
        "cache": shared.cache_option(cache, no_cache),
    }
    return _of_training(first, source, asked, html, json, fail_on_harm)


def _of_training(
    file: Path, source: str | None, asked: dict[str, Any], html: Path | None, json: bool, fail_on_harm: bool
) -> int:
    from curate.pipeline.comparison import compare as run_compare
    from curate.report.comparison_page import training_page
    from curate.report.comparison_terminal import render
    from curate.storage import write_text

    with shared.progress(quiet=json) as tell:
        found = run_compare(file, source, progress=tell, **asked)
    out = asked["out"]
    if html is not None:
        write_text(html, training_page(found))
    if json:
        shared.echo(found.to_json(), end="")
    else:
        render(found, shared.console())
        for path in (html, None if out is None else out / "comparison.html"):
            if path is not None:
                shared.say(f"written: {path}")
    if fail_on_harm and found.harmful:
        shared.say(f"--fail-on-harm: {', '.join(found.harmful)} {noun(len(found.harmful), 'hurts', 'hurt')}")
        return 1
    return 0


def _of_two(first: Path, second: Path | None, html: Path | None, json: bool, given: list[str]) -> int:
    from curate.pipeline.comparing import compare as run_compare
    from curate.report.comparison import render

    if second is None or given:
        without = f", without {', '.join(given)}" if given else ""
        raise typer.BadParameter(
            f"{first} is no pipeline file (YAML): name a second audit or result to compare it with{without}"
        )
    found = run_compare(first, second)
    if html is not None:
        from curate.report.html import comparison_page
        from curate.storage import write_text

        write_text(html, comparison_page(found))
    if json:
        shared.echo(found.to_json(), end="")
        return 0
    render(found, shared.console())
    if html is not None:
        shared.say(f"written: {html}")
    return 0


def _of_pipelines(context: typer.Context) -> list[str]:
    """The options on the command line that say something of a pipeline file alone."""
    found = []
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in ("first", "second", "html", "json") and source is not None and source.name == "COMMANDLINE":
            found.append(f"--{name.replace('_', '-')}")
    return found
