"""JSON lines: values that do not fit their column."""

import curate


def test_a_list_among_single_labels_is_a_problem_of_its_row_and_no_class(tmp_path):
    file = tmp_path / "rows.jsonl"
    lines = ['{"text": "a b", "label": "x"}', '{"text": "c d", "label": ["x", "y"]}', '{"text": "e", "label": "y"}']
    file.write_text("\n".join(lines))
    table = curate.load(file)
    assert table.labels.names == ("x", "y")
    assert table.labels.codes.tolist() == [0, -1, 1]
    [problem] = table.problems.to_pylist()
    assert (problem["row"], problem["issue"]) == (1, "label_format")
    assert problem["reason"].startswith('the label ["x", "y"] is no single label')


def test_an_array_with_odd_commas_is_read_whole_and_said_to_be_no_json(tmp_path):
    file = tmp_path / "rows.json"
    items = [f'{{"text": "a {k}", "label": "{"xy"[k % 2]}"}}' for k in range(4)]
    for text, said in {
        "[%s, %s,\n%s, %s]": None,
        "[%s %s,\n%s\n%s]": "no comma before 2 of its objects or its end (first in line 1); each",
        "[%s,\n%s,, %s, %s,\n]": "a comma too many before 2 of its objects or its end (first in line 2); each",
        "[,%s %s, %s, %s]": "(first in line 1) and a comma too many before 1 of its objects or its end (first in line",
    }.items():
        file.write_text(text % tuple(items))
        table = curate.load(file)
        assert table.column("text").to_pylist() == ["a 0", "a 1", "a 2", "a 3"]
        assert len(table.notes) == (said is not None)
        assert said is None or said in table.notes[0]
        assert said is None or table.notes[0].startswith("rows.json: no valid JSON: ")
