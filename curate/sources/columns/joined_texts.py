"""What language models are fine-tuned with as one text per row: conversations, instructions, preferences, pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.free_text import has_words, is_free_text
from curate.sources.columns.media_columns import find_media
from curate.sources.columns.role_names import GOLD_NAMES, LABEL_NAMES, LIKELY_LABEL_NAMES
from curate.sources.columns.written_turns import TURNS, are_written_turns, as_turns, words_of
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import some_of

JOINED = "joined_text"
"""Name of the column that is made."""
SYSTEM = ("system", "developer")
ASKED = ("system", "system_prompt", "instruction", "prompt", "context", "input", "question", "query")
SETTING = ASKED[:4]
"""Columns of which a value that stands in many rows says nothing of a row."""
LEADING = ("instruction", "prompt", "question", "query")
"""Columns that ask for something, one of which there must be."""
SURE = ("instruction", "prompt")
"""Those beside which an input or an output of one word is one, too."""
ANSWERS = ("output", "response", "completion", "answer", "answers", "responses", "chosen", "rejected")
LISTED = ("responses", "positive", "negative", "pos", "neg", "positives", "negatives")
"""Columns that may list several texts."""
PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2"),
    ("anchor", "positive", "negative"), ("anchor", "positive"), ("article", "highlights"), ("article", "summary"),
    ("document", "summary"), ("dialogue", "summary"), ("source", "target"), ("src", "tgt"), ("input", "output"),
    ("input", "target"), ("translation",), ("chosen", "rejected"), ("query", "pos", "neg"), ("query", "pos"),
    ("query", "positive", "negative"), ("query", "positive"), ("query", "positives", "negatives"),
)  # fmt: skip
TITLED = (
    ("title", "description"), ("title", "content"), ("title", "abstract"), ("headline", "short_description"),
    ("headline", "description"), ("subject", "body"), ("title", "body"),
)  # fmt: skip
"""Columns of a title and of what stands below it, of rows that are told apart by a label."""
AMBIGUOUS = ("answer", "query", "source", "target", "src", "tgt", "input", "output")
"""Names of columns that may as well hold a class, a place or a number; texts that differ make them sure."""
OFTEN = 10
"""Rows from which on an instruction or a system prompt says nothing of a row."""
WORDS = 1.5
BETWEEN = pa.scalar("\n\n", pa.large_string())


def with_joined_texts(raw: Raw, given: Task) -> tuple[Raw, Task]:
    """A column with all that is said in a row, where that stands in several columns or in lists of turns.

    System prompts and instructions that stand in `OFTEN` rows are left out of it where the row says something else,
    since they would make rows alike. The columns themselves stay as they are, and images, sounds and videos are inputs
    beside the text. Nothing is joined where the user named an input, or where a column is called text. Labels are
    looked for by name alone.
    """
    made = given.text == JOINED and JOINED not in raw.columns.column_names
    if (given.modalities and not made) or given.kind not in (None, "unlabeled", "classification", "multilabel"):
        return raw, given
    parts = [name for name in parts_of(raw.columns) if name != given.label]
    if not parts:
        return raw, given
    own = [name for name in raw.columns.column_names if name.lower() == "text" and is_text(raw.columns[name].type)]
    text = JOINED if made or not own else own[0]
    if text == JOINED and JOINED not in raw.columns.column_names:
        note = (
            f"the text of a row, {JOINED!r}, is joined of {some_of(parts, 6, repr)}; instructions and system prompts of"
            f" {OFTEN} rows or more are left out. Rows that share a long part are near copies; steps that change texts"
            " change that column alone; --text COLUMN or task: {text: COLUMN} takes one column instead"
        )
        raw = replace(raw.with_column(JOINED, _joined(raw.columns, parts)), notes=(*raw.notes, note))
    others = {name.lower() for name in raw.columns.column_names if name not in parts}
    labelled = given.label is not None or bool(others & {*LABEL_NAMES, *GOLD_NAMES, *LIKELY_LABEL_NAMES})
    media = find_media(raw)
    shown = {media.kinds[name]: name for name in reversed(media.ranked) if name not in parts}
    titled = tuple(name.strip().lower() for name in parts) in TITLED
    kind = given.kind or (None if labelled or titled else "unlabeled")
    return raw, given.model_copy(update={**shown, "text": text, "kind": kind})


def parts_of(columns: pa.Table) -> list[str]:
    """The columns that together say what is asked and answered, or what belongs together; none for other data."""
    by_name = {name.strip().lower(): name for name in columns.column_names}

    def there(names: Sequence[str], sure: bool = False) -> list[str]:
        return [by_name[name] for name in names if name in by_name and _says(columns[by_name[name]], name, sure)]

    talks = [name for name in columns.column_names if turns(columns[name].type) or are_written_turns(columns[name])]
    if talks:
        return [*(name for name in there(ASKED) if name not in talks), *talks]
    sure = bool(there(SURE))
    if there(LEADING) and (told := there(ANSWERS, sure)):
        return [*there(ASKED, sure), *told]
    return next((found for names in (*PAIRS, *TITLED) if len(found := there(names)) == len(names)), [])


def turns(kind: pa.DataType) -> tuple[str, str] | None:
    """The fields that say who speaks and what, of a column of lists of turns; None for other columns."""
    if not is_list(kind) or not pa.types.is_struct(kind.value_type):
        return None
    fields = {kind.value_type.field(i).name for i in range(kind.value_type.num_fields)}
    return next(((who, what) for who, what in TURNS if {who, what} <= fields), None)


def _says(column: pa.ChunkedArray, name: str, sure: bool) -> bool:
    """Whether a column of that name holds what is said, not a class, a place or a number."""
    kind = column.type
    if pa.types.is_struct(kind):
        named = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        return "text" in named if name == "answers" else name == "translation" and all(map(is_text, named.values()))
    if is_list(kind):
        return name in LISTED and is_text(kind.value_type)
    if name in ("answers", "translation") or not is_text(kind):
        return False
    if sure and name != "answer":
        return True
    return is_free_text(column) if name in AMBIGUOUS else has_words(column, WORDS)


def _joined(columns: pa.Table, parts: Sequence[str]) -> pa.ChunkedArray:
    """(n,) what is said in the columns, blank lines between; null where nothing is."""
    said: list[pa.Array] = []
    settings: list[int] = []
    for name in parts:
        if name.strip().lower() in SETTING:
            settings.append(len(said))
        said += texts_of(columns[name])
    known = np.stack([array.is_valid().to_numpy(zero_copy_only=False) for array in said])
    for place in settings:
        spare = _often(said[place]) & (known.sum(0) > 1)
        known[place] &= ~spare
        said[place] = pc.if_else(pa.array(spare), pa.scalar(None, pa.large_string()), said[place])
    # Arrow would leave out rows whose every text is null.
    first = pa.nulls(columns.num_rows, pa.large_string()).fill_null("")
    texts = pc.binary_join_element_wise(first, *said, BETWEEN, null_handling="skip")
    return pa.chunked_array([_or_null(pc.utf8_slice_codeunits(texts, len(BETWEEN.as_py())))])


def texts_of(column: pa.ChunkedArray) -> list[pa.Array]:
    """(n,) texts of one column, one array for each field of a struct; null where there is none."""
    column = as_turns(column)
    kind = column.type
    if pa.types.is_struct(kind):
        fields = ["text"] if kind.get_field_index("text") >= 0 else [kind.field(i).name for i in range(kind.num_fields)]
        return [text for field in fields for text in texts_of(pc.struct_field(column, field))]
    array = column.combine_chunks()
    if named := turns(kind):
        return [_of_turns(array, *named)]
    if is_list(kind):
        array = pc.binary_join(array.cast(pa.list_(pa.large_string())), BETWEEN)
    return [_or_null(array.cast(pa.large_string()))]


def _of_turns(lists: pa.Array, who: str, what: str) -> pa.Array:
    """(n,) what is said in the turns of each conversation, without system prompts of many rows."""
    flat = pc.list_flatten(lists)
    content = pc.struct_field(flat, what)
    if not is_text(content.type):
        content = pa.array([words_of(value) for value in content.to_pylist()], pa.large_string())
    content = _or_null(content.cast(pa.large_string()))
    keep = content.is_valid().to_numpy(zero_copy_only=False)
    speaker = pc.struct_field(flat, who)
    if is_text(speaker.type):
        system = pc.fill_null(pc.is_in(speaker, value_set=pa.array(SYSTEM, speaker.type)), False)
        keep = keep & ~(system.to_numpy(zero_copy_only=False) & _often(content))
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)[keep]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(parents, minlength=len(lists)))])
    kept = pa.LargeListArray.from_arrays(pa.array(offsets.astype(np.int64)), content.filter(pa.array(keep)))
    return _or_null(pc.binary_join(kept, BETWEEN))


def _often(texts: pa.Array) -> np.ndarray:
    """(n,) bool whether a text stands in `OFTEN` places or more."""
    counts = pc.value_counts(texts.drop_null())
    common = pc.filter(pc.struct_field(counts, "values"), pc.greater_equal(pc.struct_field(counts, "counts"), OFTEN))
    return pc.is_in(texts, value_set=common).to_numpy(zero_copy_only=False) & texts.is_valid().to_numpy(
        zero_copy_only=False
    )


def _or_null(texts: pa.Array) -> pa.Array:
    """Blank texts are null."""
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(texts), ""), True)
    return pc.if_else(blank, pa.scalar(None, texts.type), texts)
