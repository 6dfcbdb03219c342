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
