"""What the terminal and the page say of a comparison of arms."""

import re
from io import StringIO

import pytest
from rich.console import Console

from curate.report.comparison_page import training_page
from curate.report.comparison_terminal import render
from curate.report.comparison_training import ArmScore, ClassEffect, Effect, TrainingComparison

HOSTILE = "<img src=x onerror=alert(1)>[red]\x1b[31m"


def arm(name, kind, score, **more):
    given = {"name": name, "kind": kind, "step": None, "rows": 10, "draws": 10, "score": score, "twin": None}
    return ArmScore(**given | {"seeds": [] if score is None else [score, score], "problem": None} | more)


def effect(name, moved, verdict, **more):
    given = {"name": name, "of": "curated", "against": "raw", "verdict": verdict, "difference": moved}
    given |= {"low": moved - 0.02, "high": moved + 0.02, "p": 0.5, "p_adjusted": 0.5, "detectable": 0.03}
    return Effect(**given | {"disagree": 9, "reason": ""} | more)


@pytest.fixture
def found():
    blank = {"difference": None, "low": None, "high": None, "p": None, "p_adjusted": None, "detectable": None}
    return TrainingComparison(
        pipeline=HOSTILE,
        data=HOSTILE,
        test=HOSTILE,
        test_rows=1234,
        model=HOSTILE,
        metric="accuracy",
        class_metric="f1",
        higher_is_better=True,
        seeds=2,
        steps=300,
        batch_size=128,
        resamples=1000,
        arms=[
            arm("raw", "raw", 0.8),
            arm("curated", "curated", 0.85),
            arm(f"without {HOSTILE}", "without", None, problem=HOSTILE),
        ],
        overall=effect("the whole pipeline", 0.05, "helps"),
        effects=[
            effect("helping", 0.05, "helps"),
            effect("harming", -0.04, "hurts"),
            effect("noise", 0.001, "unclear"),
            effect("nearly", 0.021, "unclear"),
            effect(HOSTILE, 0.0, "could not run", **blank, disagree=None, reason=HOSTILE),
        ],
        alone=[],
        classes=[
            ClassEffect(
                name=HOSTILE, test_rows=5, raw=0.5, curated=0.6, difference=0.1, low=-0.1, high=0.3, p_adjusted=0.5,
                verdict="unclear",
            )
        ],
        notes=[HOSTILE],
        seconds=1.0,
    )  # fmt: skip


def test_the_terminal(found):
    out = StringIO()
    render(found, Console(file=out, width=200))
    text = out.getvalue().replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("The curation helps: accuracy 80.0% → 85.0% (+5.0 pp, 95% interval +3.0 to +7.0 pp)")
    assert "\x1b" not in text
    assert "[red]" in text  # shown, not obeyed
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert lines["helping"].rstrip().endswith("helps")
    assert lines["harming"].rstrip().endswith("hurts")
    assert lines["noise"].split("pp")[-1].strip() == "can't be told from noise"
    assert " 3.0 pp" in lines["noise"]  # detectable
    assert "can't be told from noise among 4 steps" in lines["nearly"]  # though its interval leaves out 0
    # The interval of what helps lies right of 0, that of what harms left of it.
    assert lines["helping"].index("│") < lines["helping"].index("●")
    assert lines["harming"].index("●") < lines["harming"].index("│")


def test_the_page_is_escaped_and_draws_what_the_numbers_say(found):
    page = training_page(found)
    assert "<img" not in page
    assert "\x1b" not in page
    assert "<script" not in page
    assert "&lt;img" in page
    rows = re.findall(r'<tr class="(\w+)"><th scope="row"><bdi>(\w[^<]*)</bdi>.*?</tr>', page)
    assert ("good", "helping") in rows
    assert ("bad", "harming") in rows
    [line] = [line for line in page.splitlines() if "<bdi>helping</bdi>" in line]
    low, high = re.search(r'class="span" x1="([\d.]+)" y1="10" x2="([\d.]+)"', line).groups()
    assert 50 < float(low) < float(high) <= 99
    assert 'style="' not in page


def test_it_is_json_and_back(found):
    assert TrainingComparison.model_validate_json(found.to_json()) == found
    assert found.harmful == ["harming"]
