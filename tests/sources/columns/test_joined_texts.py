"""Conversations, instructions, preferences and pairs: what is said in a row is one text, and the columns stay."""

import json

import pyarrow as pa
import pytest
from PIL import Image

import curate
from curate.errors import DataError
from curate.pipeline.draft import draft
from curate.sources.columns.joined_texts import JOINED, OFTEN

N = 30
ASKED = [f"how do I get to the place called number {k} from here" for k in range(N)]
TOLD = [f"take the train that leaves at {k} and walk up the hill" for k in range(N)]
OTHER = [f"nobody has ever heard of a place that is called {k}" for k in range(N)]


def texts(table):
    return table.column(table.task.text).to_pylist()


def turns(k, who="role", what="content", names=("user", "assistant")):
    return [{who: names[0], what: ASKED[k]}, {who: names[1], what: TOLD[k]}]


@pytest.mark.parametrize(
    "columns",
    [
        {"instruction": ASKED, "input": [None] * N, "output": TOLD},
        {"prompt": ASKED, "completion": TOLD},
        {"prompt": ASKED, "response": TOLD, "id": list(range(N))},
        {"question": ASKED, "answer": TOLD, "topic_of_question": ["a", "b"] * (N // 2)},
        {"premise": ASKED, "hypothesis": TOLD},
        {"chosen": ASKED, "rejected": TOLD},
        {"query": ASKED, "pos": [[text] for text in TOLD]},
        {"messages": [json.dumps(turns(k)) for k in range(N)]},
        {"messages": [json.dumps([{"role": "user", "content": [{"type": "text", "text": ASKED[k]}]}, turns(k)[1]])
                      for k in range(N)]},
        {"source": ASKED, "target": TOLD},
        {"translation": [{"en": a, "de": b} for a, b in zip(ASKED, TOLD)]},
        {"messages": [turns(k) for k in range(N)]},
        {"conversations": [turns(k, "from", "value", ("human", "gpt")) for k in range(N)], "score": [0.5] * N},
        {"messages": [[{"role": "user", "content": [{"type": "text", "text": ASKED[k]}, {"type": "image"}]},
                       {"role": "assistant", "content": [{"type": "text", "text": TOLD[k]}]}] for k in range(N)]},
    ],
)  # fmt: skip
def test_what_is_asked_and_told_is_one_text(columns):
    table = curate.load(columns)
    assert (table.task.text, table.task.kind, table.task.label) == (JOINED, "unlabeled", None)
    assert texts(table) == [f"{a}\n\n{b}" for a, b in zip(ASKED, TOLD)]
    assert set(columns) <= set(table.column_names)
    assert JOINED in " ".join(table.notes)


def test_both_answers_of_a_preference_belong_to_the_text():
    table = curate.load({"prompt": ASKED, "chosen": TOLD, "rejected": OTHER})
    assert texts(table)[3] == f"{ASKED[3]}\n\n{TOLD[3]}\n\n{OTHER[3]}"
    talks = curate.load({"chosen": [turns(k) for k in range(N)], "score_chosen": [8.0] * N})
    assert texts(talks)[3] == f"{ASKED[3]}\n\n{TOLD[3]}"


def test_a_row_in_which_nothing_is_said_stays_a_row():
    empty = [None, [], [{"role": "user", "content": "  "}]]
    table = curate.load({"messages": [*empty, *(turns(k) for k in range(3))]})
    assert texts(table) == [None] * 3 + [f"{ASKED[k]}\n\n{TOLD[k]}" for k in range(3)]
    half = curate.load({"prompt": [*ASKED[:4], None], "completion": [*TOLD[:3], None, None]})
    assert texts(half)[3:] == [ASKED[3], None]


def test_what_many_rows_share_is_left_out_unless_nothing_else_is_said():
    task = "say which train leads to the place that is named"
    system = [{"role": "system", "content": "You are a guide."}]
    shared = curate.load({"messages": [system + turns(k) for k in range(N)]})
    assert texts(shared)[0] == f"{ASKED[0]}\n\n{TOLD[0]}"
    few = curate.load({"messages": [system * (k < OFTEN - 1) + turns(k) for k in range(N)]})
    assert texts(few)[0].startswith("You are a guide.")
    columns = {"instruction": [task] * N, "input": [None, *ASKED[1:]], "output": [None, *TOLD[1:]]}
    table = curate.load(columns)
    assert texts(table)[:2] == [task, f"{ASKED[1]}\n\n{TOLD[1]}"]


def test_a_label_by_name_stays_the_label():
    table = curate.load({"prompt": ASKED, "completion": TOLD, "label": [True, False] * (N // 2)})
    assert (table.task.text, table.task.label, table.task.kind) == (JOINED, "label", "classification")
    classes = {"instruction": ASKED, "output": ["yes", "no"] * (N // 2), "input": TOLD}
    assert texts(curate.load(classes))[0] == f"{ASKED[0]}\n\n{TOLD[0]}\n\nyes"
    own = curate.load(classes, label="output")
    assert (own.task.label, own.task.kind, texts(own)[0]) == ("output", "classification", f"{ASKED[0]}\n\n{TOLD[0]}")


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"question": ASKED, "answer": ["a", "b"] * (N // 2)}, "question"),
        ({"text": [f"### {a} ### {b}" for a, b in zip(ASKED, TOLD)], "prompt": ASKED, "output": TOLD}, "text"),
        ({"sentence": ASKED, "source": ["web", "book"] * (N // 2), "target": ["x", "y", "z"] * (N // 3)}, "sentence"),
    ],
)
def test_other_columns_are_not_joined(columns, text):
    table = curate.load(columns)
    assert table.task.text == text
    assert JOINED not in table.column_names


def test_a_named_input_stands():
    table = curate.load({"prompt": ASKED, "completion": TOLD}, text="completion")
    assert table.task.text == "completion"
    assert JOINED not in table.column_names


def test_a_drafted_pipeline_runs_and_new_rows_are_joined_alike(tmp_path):
    rows = pa.table({"messages": [turns(k) for k in range(N)]})
    table = curate.load(rows)
    assert curate.load(rows, task=table.task).row_ids.tolist() == table.row_ids.tolist()
    made = draft(table, "d.jsonl", tmp_path)
    assert "dialogue_quality" in made
    assert not {"clean_text", "augment"} & {line.strip(" -").split(":")[0].split(" ")[0] for line in made.splitlines()}
    curated = curate.Pipeline([curate.steps.ExactDuplicates(fix="drop")]).run(table)
    assert texts(curated.transform({"messages": [turns(3)]})) == [f"{ASKED[3]}\n\n{TOLD[3]}"]


def test_images_stand_beside_the_turns(tmp_path):
    names = [f"{k}.png" for k in range(3)]
    for k, name in enumerate(names):
        Image.new("RGB", (8, 8), (k, k, k)).save(tmp_path / name)
    table = curate.load({"image": names, "conversations": [turns(k) for k in range(3)]}, root=tmp_path)
    assert (table.task.modalities, table.task.text) == (("image", "text"), JOINED)
    assert not table.problems.num_rows


def test_nested_questions_about_passages_are_rows(tmp_path):
    answer = {"text": "hill", "answer_start": 3}
    questions = [{"id": f"q{k}", "question": asked, "answers": [answer] * (k % 2)} for k, asked in enumerate(ASKED)]
    paragraphs = [{"context": TOLD[0], "qas": questions}, {"context": TOLD[1], "qas": [{"id": 1}]}]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "1.1", "data": [{"title": "Hills", "paragraphs": paragraphs}]}))
    table = curate.load(path)
    assert (len(table), table.task.id, table.task.kind) == (N, "id", "unlabeled")
    assert texts(table)[:2] == [f"{TOLD[0]}\n\n{ASKED[0]}", f"{TOLD[0]}\n\n{ASKED[1]}\n\nhill"]
    assert "1 entry without question or context left out" in " ".join(table.notes)
    path.write_text(json.dumps({"data": [{"paragraphs": []}]}))
    with pytest.raises(DataError, match="no entry has question or context"):
        curate.load(path)


def test_a_title_is_joined_to_what_stands_below_it(tmp_path):
    rows = [
        f'"{k % 2 + 1}","A headline about the number {k}","What it says below of {k}, {"at length " * 6}"'
        for k in range(20)
    ]
    (tmp_path / "train.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "classes.txt").write_text("World\nSports\n")
    table = curate.load(tmp_path)
    assert table.column_names[:3] == ["label", "title", "description"]
    assert (table.task.text, table.task.label_names) == ("joined_text", ("World", "Sports"))
    text = table.column("joined_text")[3].as_py()
    assert text.startswith("A headline about the number 3\n\nWhat it says below of 3")


def test_titles_keep_a_label_that_is_told_by_its_values():
    rows = {
        "Class Index": [1, 2, 3, 4] * 5,
        "Title": [f"A headline of {k} words" for k in range(20)],
        "Description": [f"What it says below of the number {k}" for k in range(20)],
    }
    assert curate.load(rows).task.label == "Class Index"
    assert curate.load(rows).task.text == "joined_text"


@pytest.mark.parametrize("broken", ["not a list", {"role": "user", "content": "a question"}])
def test_one_broken_conversation_among_the_first_leaves_the_others_conversations(tmp_path, broken):
    lines = [{"messages": turns(k)} for k in range(N)]
    lines[7] = {"messages": broken}
    (tmp_path / "talks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    table = curate.load(tmp_path / "talks.jsonl")
    found = curate.audit(table, ["dialogue_quality"], cache=None).findings.to_pandas()
    assert (table.task.text, found[found.is_issue].row.tolist()) == (JOINED, [7])
    note = "'messages' holds lists in 29 rows and something else in 1 (line 8 first): it is kept as text"
    assert any(note in said for said in table.notes)


def test_texts_of_which_many_are_no_conversations_are_none(tmp_path):
    lines = [{"messages": turns(k) if k % 5 else "plain words in place of turns"} for k in range(N)]
    (tmp_path / "talks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert curate.load(tmp_path / "talks.jsonl", kind="unlabeled").task.text == "messages"
