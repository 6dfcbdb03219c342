"""A page of metrics: pictures and tables, no script, no network, everything of the data escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from curate.metrics import Metrics
from curate.report.html import _asset, _digest, _environment
from curate.report.plots import history, pictures


def metrics_page(
    metrics: Mapping[str, Metrics],
    title: str = "Metrics",
    lead: str = "",
    curves: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> str:
    """The page.

    Args:
        metrics: name of the rows (``validation``, ``test``) -> what was measured of them.
        title: of the page.
        lead: a sentence at its head.
        curves: title -> line -> value by epoch, such as the losses in training and validation.
    """
    style = plots_style()
    policy = f"default-src 'none'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    drawn = [plot for name, lines in (curves or {}).items() if (plot := history(lines, name)) is not None]
    template = _environment().get_template("plots_page.html.j2")
    return template.render(
        title=title,
        lead=lead,
        style=Markup(style),
        policy=policy,
        history=drawn,
        parts=[(name, pictures(one)) for name, one in metrics.items()],
    )


def plots_style() -> str:
    """The style of a page with pictures of metrics: that of the report, and the pictures'."""
    return _asset("page.css") + _asset("plots.css")
