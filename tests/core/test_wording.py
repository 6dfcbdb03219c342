import numpy as np
import pytest

from curate.task import Task
from curate.wording import counted, noun, of_all, some_of, with_article


def test_nouns_and_verbs_agree_with_the_number():
    assert [counted(n, "row") for n in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
    assert [counted(n, "class", "classes") for n in (1, 2)] == ["1 class", "2 classes"]
    assert [noun(n, "has", "have") for n in (0, 1, 2)] == ["have", "has", "have"]


@pytest.mark.parametrize(
    ("n", "total", "said"),
    [(1, 1, "the only class has"), (1, 3, "1 of 3 classes has"), (2, 3, "2 of 3 classes have")],
)
def test_parts_of_a_whole(n, total, said):
    assert of_all(n, total, "class", "classes", ("has", "have")) == said


def test_some_of_many_are_named_and_the_others_counted():
    assert some_of([]) == ""
    assert some_of("abc", 3) == "a, b, c"
    assert some_of({"a": 1, "b": 2, "c": 3}, 2, repr) == "'a', 'b' and 1 more"
    assert some_of(range(2000), 1) == "0 and 1,999 more"
    assert some_of(np.array([3, 4, 5]), 1, lambda n: f"row {n}", "; ") == "row 3; and 2 more"
    assert some_of(("en", "de", "fr"), 2, between=" or ") == "en or de or 1 more"


def test_articles():
    kinds = Task.model_fields["kind"].annotation.__args__[0].__args__
    assert {with_article(kind).partition(" ")[0] for kind in kinds} == {"a", "an"}
    assert with_article("unlabeled task") == "an unlabeled task"
    assert with_article("regression task") == "a regression task"
