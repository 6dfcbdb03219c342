"""A step that helps, one that harms and one that does nothing are told apart."""

import pytest

import curate


@pytest.fixture(scope="module")
def found(blobs, steps):
    """One comparison of all three, and a step that finds nothing to do."""
    table = blobs()
    pipeline = curate.Pipeline(
        [
            curate.steps.LabelErrors(fix="drop"),
            steps["useless"](),
            steps["harmful"](share=0.6),
            curate.steps.ExactDuplicates(fix="drop"),
        ]
    )
    return curate.compare(pipeline, table, seeds=3)


def effects(found):
    return {effect.name: effect for effect in found.effects}


def test_the_harmful_step_hurts_and_the_useless_ones_do_not(found):
    verdicts = {name: effect.verdict for name, effect in effects(found).items()}
    assert verdicts["scramble"] == "hurts"
    assert verdicts["shuffle"] in ("unclear", "same predictions")
    assert verdicts["exact_duplicates"] == "changes nothing"
    assert found.harmful == ["scramble"] or found.harmful == ["scramble", "the whole pipeline"]


def test_intervals_hold_the_difference_and_say_what_could_be_found(found):
    harm = effects(found)["scramble"]
    assert harm.low < harm.difference < harm.high < 0
    assert harm.p_adjusted >= harm.p
    assert 0 < harm.detectable < abs(harm.difference)
    useless = effects(found)["shuffle"]
    assert useless.low <= 0 <= useless.high
    assert useless.detectable < abs(harm.difference)
    nothing = effects(found)["exact_duplicates"]
    assert (nothing.difference, nothing.disagree, nothing.p_adjusted) == (0, 0, None)


def test_dropping_label_errors_helps(blobs):
    pipeline = curate.Pipeline([curate.steps.LabelErrors(fix="drop")])
    found = pipeline.compare(blobs(noise=0.35), seeds=3)
    assert found.overall.verdict == "helps"
    assert found.overall.difference > 0.02
    assert found.headline().startswith("The curation helps: accuracy")
    [effect] = found.effects
    # The pipeline without its only step is the raw rows: it is not trained again.
    assert found.arm("without label_errors").twin == "raw"
    assert effect.difference == pytest.approx(found.overall.difference)


def test_undersampling_to_a_few_rows_hurts(blobs):
    table = blobs(noise=0.0, rows=900, imbalance=30.0, distance=1.2)
    found = curate.Pipeline([curate.steps.Undersample()]).compare(table, seeds=3, metric="accuracy")
    assert found.effects[0].verdict == "hurts"
    raw, curated = found.arm("raw"), found.arm("curated")
    assert curated.draws < raw.draws / 2


def test_every_arm_is_trained_alike_and_again_gives_the_same(blobs, steps):
    pipeline = curate.Pipeline([steps["useless"](), curate.steps.ClassWeights()])
    one, other = (pipeline.compare(blobs(rows=300, test=200), seeds=2) for _ in range(2))
    assert one.model_dump(exclude={"seconds"}) == other.model_dump(exclude={"seconds"})
    assert one.steps == 300  # the least for the head
    assert {len(arm.seeds) for arm in one.arms} == {2}


def test_only_the_asked_steps_are_left_out_and_each_alone(blobs, steps):
    pipeline = curate.Pipeline([steps["useless"](), curate.steps.ClassWeights()])
    found = pipeline.compare(blobs(rows=300, test=200), seeds=1, steps=["shuffle"], alone=True)
    assert [arm.name for arm in found.arms] == ["raw", "curated", "without shuffle", "shuffle alone"]
    assert [effect.against for effect in found.alone] == ["raw"]


def test_an_arm_that_can_not_be_run_is_said(blobs):
    """Without the first step the second would touch more rows than its limit allows."""
    first = curate.steps.LabelErrors(fix="relabel", limit=1.0)
    second = curate.steps.LabelErrors(fix="drop", limit=0.2)
    found = curate.Pipeline([first, second]).compare(blobs(rows=400, test=200, distance=3.0), seeds=1)
    broken = found.effects[0]
    assert (broken.name, broken.verdict, broken.difference) == ("label_errors", "could not run", None)
    assert "the limit is 20.0%" in broken.reason
    assert found.arm("without label_errors").problem
    assert found.effects[1].difference is not None
    assert "could not run" in found.to_json()


def test_no_more_false_verdicts_than_promised(blobs, steps):
    """Of 12 useless steps on other data, at 5 % hardly any is called helpful or harmful."""
    pipeline = curate.Pipeline([steps["useless"]()])
    verdicts = [
        pipeline.compare(blobs(rows=300, test=300, seed=seed, noise=0.1), seeds=2).overall.verdict for seed in range(12)
    ]
    assert sum(verdict in ("helps", "hurts") for verdict in verdicts) <= 2
