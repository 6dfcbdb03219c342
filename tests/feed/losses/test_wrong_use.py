"""Losses say what is wrong with their settings, and with what a batch has."""

import pytest
import torch

from curate.errors import ConfigError
from curate.losses import LDAM, EarlyLearning, make_loss

ROWS, LABELS = torch.zeros(2, 3), {"labels": torch.tensor([0, 1])}


def of_classes(name, **settings):
    return make_loss("classification", name=name, **settings)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LDAM(None), "class_counts must say how often"),
        (lambda: of_classes("ldam", class_counts=[0, 0, 0]), "and not be all 0"),
        (lambda: of_classes("ldam", class_counts=[1, 2], scale=0), "scale must be greater than 0"),
        (lambda: of_classes("ldam", class_counts=[1, 2], scale=-1), "scale must be a number at least 0"),
        (lambda: of_classes("ldam", class_counts=[1, 2], max_margin=-1), "max_margin must be"),
        (lambda: of_classes("ldam", class_counts=[1, 2], reweight_from=-1), "reweight_from must be"),
        (lambda: of_classes("ldam", class_counts=[1, 2], beta=1), "beta must be less than 1"),
        (lambda: of_classes("ldam", class_counts=[1, 2])(ROWS, LABELS), "2 class_counts, but logits of 3 classes"),
        (lambda: of_classes("distillation", temperature=0), "temperature must be greater than 0"),
        (lambda: of_classes("distillation", share=1.5), "share must be a number between 0 and 1"),
        (lambda: of_classes("distillation")(ROWS, LABELS), "found none"),
        (
            lambda: of_classes("distillation")(ROWS, LABELS | {"teacher_logits": torch.zeros(2, 2)}),
            r"of \(2, 3\) in the batch; found the shape \(2, 2\)",
        ),
        (lambda: of_classes("consistency", form="cosine"), "unknown form 'cosine' of consistency"),
        (lambda: of_classes("consistency")((ROWS, ROWS, ROWS), LABELS), "two tensors of logits, not 3"),
        (lambda: of_classes("bootstrapping_soft", form="firm"), "unknown form 'firm' of bootstrapping"),
        (lambda: of_classes("symmetric_cross_entropy", log_zero=0), "log_zero must be less than 0"),
        (lambda: EarlyLearning(momentum=1), "momentum must be less than 1"),
        (lambda: of_classes("early_learning")(ROWS, LABELS), "no 'row_id' for each"),
        (lambda: of_classes("focal", class_count=[1, 2]), "no setting 'class_count'; it has gamma, reduction"),
        (lambda: of_classes("bootstrapping_hard", from_="hard"), "did you mean 'form'"),
        (lambda: make_loss(None), "no loss for a None task; there is one for classification, multilabel"),
        (
            lambda: make_loss("token_classification")(torch.zeros(1, 4, 3), {"labels": torch.ones(1, 5).long()}),
            "5 tokens;",
        ),
        (
            lambda: make_loss("token_classification", label_names=["a", "b"])(
                torch.zeros(1, 5, 3), {"labels": torch.ones(1, 5).long()}
            ),
            r"5 tokens and 2 classes \(a, b\); they have the shape \(1, 5, 3\)",
        ),
        (
            lambda: make_loss("segmentation")(
                torch.zeros(2, 3, 4, 4), {"labels": torch.ones(2, 4, 4).long(), "weights": torch.ones(3)}
            ),
            r"\(3,\) weights for 2 rows",
        ),
        (
            lambda: make_loss("segmentation")(ROWS, {"labels": torch.ones(2, 4, 4).long()}),
            "rows, classes, height, width",
        ),
        (lambda: make_loss("segmentation")(ROWS, {"labels": torch.ones(2, 4, 4)}), r"not \(2, 4, 4\) of torch.float32"),
        (lambda: make_loss("transcription")(ROWS, {"labels": torch.ones(2, 4).long()}), "rows, frames, tokens"),
    ],
)
def test_what_is_refused(make, says):
    with pytest.raises(ConfigError, match=says):
        make()


def test_even_class_weights_double_nothing_and_leave_ldam_its_own():
    counts = [50.0, 20.0, 10.0]
    assert of_classes("logit_adjusted", class_counts=counts, class_weights=[0.5, 0.5, 0.5]).tau == 1
    with pytest.raises(ConfigError, match="count twice"):
        of_classes("logit_adjusted", class_counts=counts, class_weights=[1, 2, 2])
    even = of_classes("ldam", class_counts=counts, class_weights=[1.0, 1.0, 1.0]).deferred_weights
    assert even[2] > even[1] > even[0]
    assert of_classes("ldam", class_counts=counts, class_weights=[1.0, 2.0, 3.0]).deferred_weights.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("start", "weighted"), [(None, []), (0, [0, 1, 2]), (1, [1, 2])])
def test_ldam_reweights_from_an_epoch_on(start, weighted):
    loss = of_classes("ldam", class_counts=[50.0, 1.0], reweight_from=start)
    found = [] if loss.row_weights({"labels": torch.tensor([0, 1])}).tolist() == [1, 1] else [0]
    for epoch in (1, 2):
        loss.set_epoch(epoch)
        if loss.row_weights({"labels": torch.tensor([0, 1])}).tolist() != [1, 1]:
            found.append(epoch)
    assert found == weighted


@pytest.mark.parametrize(
    ("name", "soft"), [("consistency", False), ("consistency", True), ("distillation", False), ("distillation", True)]
)
def test_rows_without_label_count_with_their_own_weight_where_asked(name, soft):
    batch = {"labels": torch.tensor([1, -100]), "weights": torch.tensor([2.0, 0.25])}
    if soft:
        batch["soft_labels"] = torch.tensor([[0.0, 1, 0], [0, 0, 0]])
    loss = of_classes(name, unlabelled=True, class_weights=[1.0, 3.0, 1.0])
    assert loss.row_weights(batch).tolist() == [6, 0.25]
    assert loss.row_weights({k: v for k, v in batch.items() if k != "weights"}).tolist() == [3, 1]
    assert of_classes(name, class_weights=[1.0, 3.0, 1.0]).row_weights(batch).tolist() == [6, 0]


def test_distillation_without_a_share_needs_no_teacher():
    assert of_classes("distillation", share=0)(ROWS, LABELS).item() == pytest.approx(
        torch.log(torch.tensor(3.0)).item()
    )
