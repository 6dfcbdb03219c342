"""`curate steps`: which steps there are, and their settings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from curate.cli import shared


def steps(
    name: Annotated[str | None, typer.Argument(help="One step, with its settings.", show_default=False)] = None,
    json: shared.Json = False,
) -> int:
    """List the steps, those of installed packages among them, or the settings of one."""
    from curate import registry
    from curate.pipeline.schema import summary

    if name is None:
        found = [registry.step(known) for known in sorted(registry.step_names())]
        lines = [
            {"name": n, "kind": c.kind, "summary": summary(c)} for n, c in zip(sorted(registry.step_names()), found)
        ]
        if json:
            _print_json(lines)
            return 0
        for kind in registry.KINDS:
            shared.echo(f"{kind}:")
            for line in lines:
                if line["kind"] == kind:
                    shared.echo(f"  {line['name']:<20} {line['summary']}")
        shared.echo(f"fixes of checks: {', '.join(sorted(registry.fix_names()))}\nmore: curate steps NAME")
        return 0
    known = registry.step_names() | registry.fix_names()
    cls = registry.step(name) if name not in registry.fix_names() else registry.fix(name)
    settings = [_setting(field, info) for field, info in cls.model_fields.items()]
    if json:
        _print_json({"name": name, "summary": summary(cls), "where": known[name], "settings": settings})
        return 0
    import inspect

    shared.echo(f"{name}\n\n{inspect.getdoc(cls)}\n\nsettings:")
    for line in settings:
        shared.echo(f"  {line['name']} = {line['default']}\n      {line['description']}")
    return 0


def _setting(name: str, info: Any) -> dict[str, Any]:
    default = "needed" if info.is_required() else repr(info.get_default(call_default_factory=True))
    return {"name": name, "default": default, "description": info.description or ""}


def _print_json(value: Any) -> None:
    import json

    shared.echo(json.dumps(value, indent=2, ensure_ascii=False))
