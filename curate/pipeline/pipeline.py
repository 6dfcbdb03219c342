"""The declarative form: a source, a task, steps, a feed and a seed, from YAML or Python and back without loss."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from curate import registry
from curate.errors import ConfigError, nearest
from curate.evidence.settings import EvidenceSettings
from curate.pipeline.document import Document, Place
from curate.pipeline.problems import Problems
from curate.pipeline.settings import FeedSettings, SourceSettings
from curate.pipeline.slips import home_of, meant_by
from curate.sources.fetching.urls import shown
from curate.step import Step
from curate.task import Task

if TYPE_CHECKING:
    from curate.pipeline.curated import Curated
    from curate.pipeline.forecast import Forecast
    from curate.report.comparison_training import TrainingComparison

VERSION = 1
PARTS = ("curate", "source", "task", "evidence", "steps", "feed", "seed")


class Pipeline:
    """A pipeline: frozen settings; `run` carries it out.

    Args:
        steps: instances of steps, names, or one-key mappings name -> settings.
        source: what `run` loads when it is given no data: a path, or `SourceSettings` as a mapping.
        task: a `Task` or mapping of its settings; what is left out is inferred from the data.
        evidence: encoder, folds and limits, as `EvidenceSettings` or a mapping.
        feed: defaults of `curated.loader()`, as `FeedSettings` or a mapping.
        seed: of everything that is drawn.
        folder: what relative paths are relative to.

    Attributes:
        document: of the file that it was read from, None where it was made in Python.

    Raises:
        ConfigError: naming everything that is wrong at once.
    """

    def __init__(
        self,
        steps: Sequence[Step | str | Mapping[str, Any]] = (),
        *,
        source: str | Path | Mapping[str, Any] | SourceSettings | None = None,
        task: Task | Mapping[str, Any] | None = None,
        evidence: EvidenceSettings | Mapping[str, Any] | None = None,
        feed: FeedSettings | Mapping[str, Any] | None = None,
        seed: int = 0,
        folder: str | Path = ".",
    ) -> None:
        problems = Problems()
        self.document: Document | None = None
        self._declare(problems, steps, folder, source, task, evidence, feed, seed)
        problems.check()

    def _declare(
        self, problems: Problems, steps: object, folder: str | Path, source: object = None, task: object = None,
        evidence: object = None, feed: object = None, seed: object = 0,
    ) -> None:  # fmt: skip
        """Take over what is right, and note what is wrong."""
        self.folder = Path(folder)
        self.steps = _steps(steps, problems)
        self.source = _part(SourceSettings, _as_source(source), ("source",), problems) if source is not None else None
        self.task = _part(Task, task, ("task",), problems) if task is not None else None
        self.evidence = _part(
            EvidenceSettings, evidence or {}, ("evidence",), problems
        ) or EvidenceSettings.model_validate({})
        self.feed = _part(FeedSettings, feed or {}, ("feed",), problems) or FeedSettings.model_validate({})
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            problems.add(("seed",), f"seed must be a whole number from 0, not {seed!r}")
            seed = 0
        self.seed = seed

    def __repr__(self) -> str:
        """The names of the steps."""
        return f"Pipeline({', '.join(step.name for step in self.steps)})"

    def __eq__(self, other: object) -> bool:
        """Equal settings."""
        return isinstance(other, Pipeline) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    @property
    def step_names(self) -> list[str]:
        """The name of each step as it stands in the ledger: its own, with ``#2`` and so on where it is repeated."""
        seen: dict[str, int] = {}
        names = []
        for step in self.steps:
            seen[step.name] = seen.get(step.name, 0) + 1
            names.append(step.name if seen[step.name] == 1 else f"{step.name}#{seen[step.name]}")
        return names

    @classmethod
    def from_yaml(cls, path: str | Path, thorough: bool = False) -> Pipeline:
        """Read a pipeline file.

        Args:
            path: of the file.
            thorough: also have the libraries that carry out operations look at them, which takes their import.

        Raises:
            ConfigError: with file, line and nearest right name of all that is wrong.
        """
        path = Path(path)
        return cls._from_document(Document.read(path), path.parent, thorough)

    @classmethod
    def from_text(cls, text: str, name: str = "pipeline", folder: str | Path = ".") -> Pipeline:
        """Read a pipeline from YAML text."""
        return cls._from_document(Document(text, name), Path(folder))

    @classmethod
    def _from_document(cls, document: Document, folder: Path, thorough: bool = False) -> Pipeline:
        problems = Problems(document)
        value = document.value
        if not isinstance(value, dict):
            raise ConfigError(f"{document.name}: a pipeline file is a mapping with the keys {', '.join(PARTS)}")
        for key in value:
            if key not in PARTS:
                hint = home_of(key) or nearest(key, PARTS)
                problems.add((key,), f"unknown key {key!r}{hint}; known: {', '.join(PARTS)}")
        if value.get("curate") != VERSION:
            found = f"found {value['curate']!r}" if "curate" in value else "it is missing"
            problems.add(("curate",), f"the file must say `curate: {VERSION}` (version of the format); {found}")
        parts = {
            key: value[key] for key in ("source", "task", "evidence", "feed", "seed") if value.get(key) is not None
        }
        pipeline = cls.__new__(cls)
        pipeline.document = document
        pipeline._declare(problems, value.get("steps") or [], folder, **parts)
        problems.check()
        for i, step in enumerate(pipeline.steps if thorough else ()):
            for place, text in step.faults():
                problems.add(("steps", i, step.name, *place), text)
        problems.check()
        return pipeline

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without what is left at its default; `from_text(yaml.dump(...))` gives an equal pipeline."""
        parts: dict[str, Any] = {"curate": VERSION}
        for name in ("source", "task", "evidence"):
            settings: BaseModel | None = getattr(self, name)
            changed = settings.model_dump(mode="json", exclude_defaults=True) if settings is not None else {}
            if changed:
                parts[name] = changed
        parts["steps"] = [{step.name: step.changed()} if step.changed() else step.name for step in self.steps]
        feed = self.feed.model_dump(mode="json", exclude_defaults=True)
        return parts | ({"feed": feed} if feed else {}) | {"seed": self.seed}

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The pipeline as YAML, written to `path` if given."""
        import yaml

        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=110)
        if path is not None:
            from curate.storage import write_text

            write_text(Path(path), text)
        return text

    def moved_to(self, folder: Path) -> Pipeline:
        """The same pipeline for a file that will stand in another folder, which may be handed on.

        Local paths are relative to that folder; what a URL has behind ``?`` (a signature) is left out.
        """

        def moved(path: str) -> str:
            if "://" in path:
                return shown(path)
            return os.path.relpath(self.folder / path, folder) if is_local(self.folder, path) else path

        steps = tuple(step.relocated(moved) for step in self.steps)
        kept: dict[str, Any] = {"task": self.task, "evidence": self.evidence, "feed": self.feed, "seed": self.seed}
        if self.source is None:
            return Pipeline(steps, folder=folder, **kept)
        paths = self.source.path
        changed = {"path": moved(paths) if isinstance(paths, str) else tuple(moved(path) for path in paths)}
        if self.source.root is not None:
            changed["root"] = moved(self.source.root)
        source = self.source.model_copy(update=changed)
        task = self.task
        if task is not None and task.target is not None and (self.folder / task.target).exists():
            task = task.model_copy(update={"target": moved(task.target)})
        kept["task"] = task
        return Pipeline(steps, source=source, folder=folder, **kept)

    def located(self) -> tuple[Step, ...]:
        """The steps with absolute paths in place of those that are relative to the file."""
        return tuple(step.relocated(lambda path: os.path.normpath(self.folder.resolve() / path)) for step in self.steps)

    def run(self, table: Any = None, out: str | Path | None = None, **options: Any) -> Curated:
        """Carry the pipeline out; see `curate.pipeline.run.run` for the options.

        Args:
            table: a `Table` or anything that `curate.load` takes; the pipeline's own source if left out.
            out: folder for the result, which `curate.open` opens again; nothing is written if left out.
        """
        from curate.pipeline.run import run

        return run(self, table, None if out is None else Path(out), **options)

    def forecast(self, table: Any = None, **options: Any) -> Forecast:
        """What `run` would do, told from a part of the rows: counts by step and the time. Nothing is written.

        Args:
            table: a `Table` or anything that `curate.load` takes; the pipeline's own source if left out.
            options: see `curate.pipeline.forecast.forecast`.
        """
        from curate.pipeline.forecast import forecast

        return forecast(self, table, **options)

    def compare(self, table: Any = None, test: Any = None, **options: Any) -> TrainingComparison:
        """Train the same model on raw rows, curated rows and without each step: does the curation help?

        Args:
            table: a `Table` or anything that `curate.load` takes; the pipeline's own source if left out.
            test: test rows that the pipeline has never seen: data like the table's, or the name of a split; the split
                ``test`` if left out.
            options: see `curate.compare`.
        """
        from curate.pipeline.comparison import compare

        return compare(self, table, test, **options)


def is_local(folder: Path, path: str) -> bool:
    """Whether a path of a pipeline file means something on this machine, not a hub id or a URL."""
    return "://" not in path and (any(c in path for c in "*?[") or (folder / path).exists())


def _as_source(source: object) -> object:
    if isinstance(source, str | Path):
        return {"path": str(source)}
    return {"path": [str(path) for path in source]} if isinstance(source, list | tuple) else source


def _part(model: type[Any], value: object, place: Place, problems: Problems) -> Any:
    if isinstance(value, model):
        return value
    if not isinstance(value, Mapping):
        problems.add(
            place, f"{place[-1]} must be a mapping with keys such as {', '.join(list(model.model_fields)[:4])}"
        )
        return None
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        problems.add_invalid(place, error, model)
        return None


def _steps(given: Any, problems: Problems) -> tuple[Step, ...]:
    if isinstance(given, str | Mapping | Step) or not isinstance(given, Iterable):
        hint = ": each step is an entry of its own, in YAML behind a dash" if isinstance(given, str | Mapping) else ""
        problems.add(("steps",), f"steps must be a list, not {given!r:.80}{hint}")
        return ()
    steps = [_step(entry, i, problems) for i, entry in enumerate(given)]
    return tuple(step for step in steps if step is not None)


def _step(entry: Step | str | Mapping[str, Any], i: int, problems: Problems) -> Step | None:
    place: Place = ("steps", i)
    if isinstance(entry, Step):
        return entry
    if isinstance(entry, Mapping) and len(entry) == 1:
        [(name, settings)] = entry.items()
    elif isinstance(entry, str):
        name, settings = entry, {}
    else:
        problems.add(place, f"a step is a name or one `name: {{settings}}`, not {entry!r:.80}{meant_by(entry)}")
        return None
    try:
        cls = registry.step(name)
    except ConfigError as error:
        problems.add((*place, name), str(error))
        return None
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        problems.add((*place, name), f"the settings of {name} must be a mapping, not {settings!r:.80}")
        return None
    return _part(cls, settings, (*place, name), problems)
