"""`curate validate`: is a pipeline file right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared
from curate.wording import counted


def validate(
    file: Annotated[list[Path], typer.Argument(help="Pipeline files.", show_default=False)],
    json: shared.Json = False,
) -> int:
    """Check pipeline files without running them: every problem with line, column and the nearest right name."""
    from curate.errors import ConfigError
    from curate.pipeline.pipeline import Pipeline

    results = []
    for path in file:
        try:
            steps = Pipeline.from_yaml(path, thorough=True).step_names
            results.append({"file": str(path), "valid": True, "steps": steps})
        except ConfigError as error:
            results.append({"file": str(path), "valid": False, "problems": str(error).splitlines()})
    if json:
        import json as json_module

        shared.echo(json_module.dumps(results, ensure_ascii=False))
    else:
        for result in results:
            if result["valid"]:
                count = len(result["steps"])
                shared.echo(f"{result['file']}: valid, {counted(count, 'step')}")
            else:
                typer.echo("\n".join(result["problems"]), err=True)
    return 0 if all(result["valid"] for result in results) else 2
