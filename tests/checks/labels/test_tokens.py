"""Tags of tokens: found in the data, judged out of sample or by given probabilities, planted wrong tags found."""

import json

import datasets
import numpy as np
import pytest

import curate
from curate.checks.label_errors import LabelErrors
from curate.errors import ConfigError
from curate.evidence.evidence import Evidence

PEOPLE = ["Anna", "Bo", "Carla", "Dirk", "Eva", "Frans", "Greta", "Hugo", "Ines", "Jon"]
TOWNS = ["Aachen", "Bonn", "Celle", "Dresden", "Essen", "Fulda", "Gera", "Halle", "Ulm", "Jena"]
FIRMS = ["Acme", "Bolt", "Crux", "Dyno", "Exxo", "Fizz", "Gyro", "Hexa"]
FORMS = (
    ("{p} moved from {t} to {t} last year .", "p....t.t...."),
    ("In {t} , {p} works for {f} Inc .", ".t.p..ff."),
    ("The shares of {f} Corp fell , said {p} .", "...ff...p."),
    ("{p} and {p} met in {t} .", "p.p..t."),
    ("Nobody at {f} Corp knows {t} .", "..ff.t."),
)
NAMES = ("O", "PER", "LOC", "ORG")


def sentences(n=300, seed=0):
    """Sentences with their true tags."""
    rng = np.random.default_rng(seed)
    words, tags = [], []
    for i in range(n):
        form, _ = FORMS[i % len(FORMS)]
        line, own = [], []
        for part in form.split():
            if part in ("{p}", "{t}", "{f}"):
                line.append(str(rng.choice({"{p}": PEOPLE, "{t}": TOWNS, "{f}": FIRMS}[part])))
                own.append({"{p}": "PER", "{t}": "LOC", "{f}": "ORG"}[part])
            else:
                line.append(part)
                own.append("ORG" if part in ("Inc", "Corp") else "O")
        words.append(line)
        tags.append(own)
    return words, tags


def planted(share=0.08, seed=0):
    """The sentences with one wrong tag in some of them; row -> place of the wrong one."""
    words, tags = sentences()
    rng = np.random.default_rng(seed)
    wrong = {}
    for row in rng.choice(len(words), int(share * len(words)), replace=False).tolist():
        places = [p for p, tag in enumerate(tags[row]) if tag != "O"]
        place = int(rng.choice(places))
        others = [name for name in NAMES if name != tags[row][place]]
        tags[row] = [str(rng.choice(others)) if p == place else tag for p, tag in enumerate(tags[row])]
        wrong[row] = place
    return words, tags, wrong


@pytest.fixture(scope="module")
def judged():
    words, tags, wrong = planted()
    table = curate.load({"tokens": words, "ner_tags": tags})
    return table, wrong, LabelErrors().find(Evidence(table))


def test_tokens_and_tags_are_found_unasked(judged):
    table, *_ = judged
    assert table.task.kind == "token_classification"
    assert (table.task.tokens, table.task.label, table.task.text) == ("tokens", "ner_tags", "text")
    assert set(table.task.label_names) == set(NAMES)
    assert table.column("text")[0].as_py().endswith("last year .")


def test_planted_wrong_tags_are_found(judged):
    table, wrong, found = judged
    flagged = {line["row"]: line["reason"] for line in found.flagged.to_pylist()}
    hits = set(flagged) & set(wrong)
    assert len(hits) >= 0.95 * len(wrong)
    assert len(hits) >= 0.9 * len(flagged)
    for row in hits:
        assert f"token {wrong[row]} '" in flagged[row]
    assert len(found) == len(table)
    score = dict(zip(found.table["row"].to_pylist(), found.table["score"].to_pylist()))
    assert np.mean([score[row] for row in wrong]) < 0.2 < np.mean([score[r] for r in score if r not in wrong])
    assert found.facts["label_errors"]["tokens_flagged"] >= len(hits)


def test_the_class_label_of_the_hub_s_form(tmp_path):
    words, tags, _ = planted()
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=list(NAMES))),
        }
    )
    codes = [[NAMES.index(tag) for tag in own] for own in tags]
    data = datasets.Dataset.from_dict({"tokens": words, "ner_tags": codes}, features=features)
    table = curate.load(data)
    assert table.task.kind == "token_classification"
    assert table.task.label_names == NAMES
    assert table.column("ner_tags").to_pylist() == tags


def test_given_probabilities_are_used():
    words, tags, wrong = planted()
    _, true = sentences()
    model = [[[0.91 if name == tag else 0.03 for name in NAMES] for tag in own] for own in true]
    table = curate.load({"tokens": words, "ner_tags": tags, "p": model}, probabilities="p", label_names=NAMES)
    found = LabelErrors().find(Evidence(table))
    assert set(found.flagged["row"].to_pylist()) == set(wrong)
    bad = curate.load({"tokens": words, "ner_tags": tags, "p": [[[1.0]] * len(w) for w in words]}, probabilities="p")
    with pytest.raises(ConfigError, match="'p' of probabilities holds 1 numbers for a token, and there are 4 tags"):
        LabelErrors().find(Evidence(bad))


def test_rows_whose_tags_do_not_fit_are_named(tmp_path):
    words, tags, _ = planted()
    tags[3] = tags[3][:-1]
    lines = [json.dumps({"id": i, "tokens": w, "ner_tags": t}) for i, (w, t) in enumerate(zip(words, tags))]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    table = curate.load(tmp_path / "a.jsonl", tokens="tokens", label="ner_tags")
    assert table.problems.to_pylist() == [
        {
            "row": 3,
            "issue": "label_format",
            "reason": f"{len(words[3]) - 1} tags for {len(words[3])} tokens: the tags are left out",
        }
    ]
    assert 3 not in LabelErrors().find(Evidence(table)).table["row"].to_pylist()


def test_a_run_keeps_the_tags(tmp_path):
    words, tags, _ = planted()
    table = curate.load({"tokens": words, "ner_tags": tags, "key": [f"r{i}" for i in range(len(words))]}, id="key")
    curated = curate.Pipeline([{"label_errors": {"fix": "drop"}}]).run(table, out=tmp_path / "out", cache=None)
    kept = curated.dataset
    assert len(kept) < len(words)
    for line in kept.select(range(20)):
        assert line["ner_tags"] == tags[int(line["key"][1:])]
    batch = next(iter(curated.loader(sampler="sequential", batch_size=2)))
    assert batch["tokens"] == [words[int(row[1:])] for row in batch["row_id"]]
    assert curate.open(tmp_path / "out").table.task.tokens == "tokens"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(n):
    words, tags = sentences(n)
    found = LabelErrors().find(Evidence(curate.load({"tokens": words, "ner_tags": tags})))
    assert found.flagged.num_rows <= n


def test_what_is_no_token_classification():
    sets = curate.load({"text": list("abcd"), "tags": [["x"], ["x", "y"], [], ["y"]]}, label="tags")
    assert sets.task.kind == "multilabel"
    with pytest.raises(ConfigError, match="no column of lists"):
        curate.load(
            {"text": list("ab"), "label": list("xy")}, kind="token_classification", tokens="text", label="label"
        )


def test_equal_texts_with_other_tags_are_conflicts_and_no_repeats():
    from curate.checks.conflicting_labels import ConflictingLabels
    from curate.checks.exact_duplicates import ExactDuplicates

    words = [["in", "Paris"], ["in", "Paris"], ["in", "Paris"], ["to", "Rome"], ["to", "Rome"], ["a", "dog"]]
    tags = [["O", "LOC"], ["O", "LOC"], ["O", "PER"], ["O", "LOC"], ["O", "LOC"], ["O", "O"]]
    task = curate.Task(tokens="tokens", label="tags", id="id", kind="token_classification")
    columns = {"tokens": words, "tags": tags, "id": list("abcdef")}
    table = curate.load(datasets.Dataset.from_dict(columns), task=task)
    repeats = ExactDuplicates().find(Evidence(table)).flagged.to_pylist()
    assert sorted(line["row_id"] for line in repeats) == ["b", "e"]
    found = ConflictingLabels().find(Evidence(table))
    assert [line["row_id"] for line in found.flagged.to_pylist()] == ["c"]
    assert found.flagged["reason"][0].as_py() == (
        "3 rows have the same content and are labelled 'O LOC' 2 times, 'O PER' 1 time"
    )
    assert found.table["issue"].unique().to_pylist() == ["exact"]
