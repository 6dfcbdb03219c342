"""Every loss by its name: limits, gradients, weights, rows without label, half precision, compilation, wrong use."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import curate
from curate.errors import ConfigError
from curate.losses import LOSSES, EarlyLearning, make_loss

K = 4
COUNTS = [100.0, 30.0, 10.0, 1.0]
CONFUSED = (0.8 * torch.eye(K) + 0.05).tolist()
NEEDS = {
    "class_balanced": {"class_counts": COUNTS},
    "ldam": {"class_counts": COUNTS, "scale": 2.0},
    "logit_adjusted": {"class_counts": COUNTS},
    "balanced_softmax": {"class_counts": COUNTS},
    "forward_correction": {"transition": CONFUSED},
    "backward_correction": {"transition": CONFUSED},
}
LIMITS = {
    "cross_entropy": {},
    "focal": {"gamma": 0},
    "class_balanced": {"beta": 0},
    "ldam": {"max_margin": 0, "scale": 1},
    "logit_adjusted": {"tau": 0},
    "balanced_softmax": {"class_counts": [7.0] * K},
    "generalised_cross_entropy": {"q": 0},
    "symmetric_cross_entropy": {"alpha": 1, "beta": 0},
    "bootstrapping_soft": {"beta": 1},
    "bootstrapping_hard": {"beta": 1},
    "forward_correction": {"transition": torch.eye(K).tolist()},
    "backward_correction": {"transition": torch.eye(K).tolist()},
    "early_learning": {"strength": 0},
    "consistency": {"strength": 0},
    "distillation": {"share": 0},
}
CLASSES = list(LOSSES["classification"])
ALL = [(kind, name) for kind, losses in LOSSES.items() for name in losses]


def made(name, kind="classification", **more):
    return make_loss(kind, name=name, **NEEDS.get(name, {}) | more)


def a_batch(kind="classification", n=6, dtype=torch.float64, seed=0):
    """Logits and a batch, the last row of which has no label."""
    random = torch.Generator().manual_seed(seed)
    weights = torch.rand(n, generator=random, dtype=dtype) + 0.5
    batch = {"row_id": [f"r{i}" for i in range(n)], "weights": weights}
    if kind == "regression":
        batch["labels"] = torch.randn(n, generator=random, dtype=dtype)
        batch["labels"][-1] = float("nan")
        return torch.randn(n, 1, generator=random, dtype=dtype), batch
    if kind in ("segmentation", "token_classification", "transcription"):
        return of_positions(kind, random, n, dtype), batch | {"labels": labels_of_positions(kind, random, n)}
    logits = 2 * torch.randn(n, K, generator=random, dtype=dtype)
    if kind == "multilabel":
        batch["soft_labels"] = torch.rand(n, K, generator=random, dtype=dtype)
        batch["labels"] = (batch["soft_labels"] > 0.5).to(dtype)
        batch["labels"][-1] = -100
        return logits, batch
    batch["labels"] = torch.randint(K, (n,), generator=random)
    batch["labels"][-1] = -100
    soft = functional.one_hot(batch["labels"].clamp_min(0), K).to(dtype) * 0.8 + 0.05
    soft[-1] = 0
    batch["soft_labels"] = soft
    batch["teacher_logits"] = torch.randn(n, K, generator=random, dtype=dtype)
    return logits, batch


def of_positions(kind, random, n, dtype):
    """Logits of 2 x 3 pixels, or of 6 tokens or frames."""
    shape = (n, K, 2, 3) if kind == "segmentation" else (n, 6, K)
    return 2 * torch.randn(*shape, generator=random, dtype=dtype)


def labels_of_positions(kind, random, n):
    """Labels of some positions; of transcripts the first two or three, none of them the blank."""
    labels = torch.randint(K, (n, 2, 3) if kind == "segmentation" else (n, 6), generator=random)
    if kind == "transcription":
        labels = torch.randint(1, K, (n, 6), generator=random)
        labels[:, 3:] = -100
        labels[::2, 2] = -100
    else:
        labels[::2, 0] = -100
    labels[-1] = -100
    return labels


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_is_the_limit(name, soft):
    logits, batch = a_batch()
    if not soft:
        del batch["soft_labels"]
    loss = made(name, **LIMITS[name])
    expected = make_loss("classification")(logits, batch)
    tolerance = {"atol": 1e-6, "rtol": 1e-6}
    torch.testing.assert_close(loss(logits, batch), expected, **tolerance)
    if name == "consistency":
        torch.testing.assert_close(loss((logits, logits), batch), expected, **tolerance)


@pytest.mark.parametrize(("kind", "name", "settings", "theirs"), [
    ("multilabel", "asymmetric", {"gamma_positive": 0, "gamma_negative": 0, "clip": 0}, "binary"),
    ("multilabel", "focal", {"gamma_positive": 0, "gamma_negative": 0}, "binary"),
    ("regression", "huber", {"delta": 1e6}, "half"),
    ("regression", "cauchy", {"delta": 1e4}, "half"),
    ("regression", "log_cosh", {"delta": 1e3}, "half"),
    ("regression", "squared", {}, "square"),
    ("regression", "quantile", {"quantile": 0.5}, "half_absolute"),
])  # fmt: skip
def test_limits_of_sets_and_numbers(kind, name, settings, theirs):
    logits, batch = a_batch(kind)
    known, w = slice(0, -1), batch["weights"][:-1]
    if theirs == "binary":
        each = functional.binary_cross_entropy_with_logits(
            logits[known], batch["soft_labels"][known], reduction="none"
        ).mean(1)
    else:
        error = logits[known, 0] - batch["labels"][known]
        each = {"half": error**2 / 2, "square": error**2, "half_absolute": error.abs() / 2}[theirs]
    found = make_loss(kind, name=name, **settings)(logits, batch)
    torch.testing.assert_close(found, (w * each).sum() / w.sum(), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_gradients(kind, name):
    logits, batch = a_batch(kind)
    loss = made(name, kind)
    if name == "early_learning":
        loss(logits, batch)
        loss.eval()
    logits.requires_grad_()
    # In float64 all the way, also what a loss keeps in float32 otherwise.
    loss.double()
    assert torch.autograd.gradcheck(lambda z: loss(z, batch), (logits,))
    if name == "consistency":
        other = a_batch(seed=1)[0].requires_grad_()
        assert torch.autograd.gradcheck(lambda a, b: loss((a, b), batch), (logits, other))


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_rows_without_label_and_weights(kind, name):
    logits, batch = a_batch(kind)
    logits.requires_grad_()
    value = made(name, kind)(logits, batch)
    value.backward()
    assert torch.equal(logits.grad[-1], torch.zeros_like(logits.grad[-1]))
    assert torch.isfinite(logits.grad).all()
    without = {k: v[:-1] for k, v in batch.items()}
    torch.testing.assert_close(made(name, kind)(logits[:-1], without), value)
    # A weight of 2 is as good as the row twice.
    doubled = dict(without, weights=torch.tensor([2.0, 1, 1, 1, 1], dtype=torch.float64))
    twice = {k: v[:1] + v if isinstance(v, list) else torch.cat([v[:1], v]) for k, v in without.items()}
    twice["weights"] = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close(
        made(name, kind)(logits[:-1], doubled),
        made(name, kind)(torch.cat([logits[:1], logits[:-1]]), twice),
    )
    alone = {k: v[-1:] for k, v in batch.items()}
    assert made(name, kind)(logits[-1:], alone).item() == 0


@pytest.mark.parametrize(("kind", "name"), ALL)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_a_model_says_of_rows_that_do_not_count_changes_nothing(kind, name, bad):
    logits, batch = a_batch(kind)
    batch["weights"][0] = 0
    expected = made(name, kind)(logits, batch)
    for spoilt in (0, -1):
        logits[spoilt] = bad
    logits.requires_grad_()
    for given in (logits, (logits, logits)) if name == "consistency" else (logits,):
        value = made(name, kind)(given, batch)
        (gradient,) = torch.autograd.grad(value, logits)
        torch.testing.assert_close(value, expected)
        assert torch.isfinite(gradient).all()
        assert gradient[1:-1].abs().sum() > 0


@pytest.mark.parametrize(("kind", "name"), [one for one in ALL if one[1] != "ctc"])
def test_a_batch_of_no_rows(kind, name):
    logits, batch = a_batch(kind)
    assert made(name, kind)(logits[:0], {k: v[:0] for k, v in batch.items()}).item() == 0


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_parts_with_the_mass_of_the_whole_add_up(kind, name):
    logits, batch = a_batch(kind)
    loss = made(name, kind)
    whole = loss(logits, batch)
    mass = loss.mass(batch)
    parts = [slice(0, 1), slice(1, 4), slice(4, 6)]
    if name == "early_learning":
        loss = made(name, kind)
    total = sum(loss(logits[p], {k: v[p] for k, v in batch.items()} | {"mass": mass}) for p in parts)
    torch.testing.assert_close(total, whole)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_autocast_and_compilation(kind, name):
    logits, batch = a_batch(kind, dtype=torch.float32)
    half = logits.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = made(name, kind)(half, batch)
    assert value.dtype == torch.float32
    expected = made(name, kind)(half.float(), batch)
    torch.testing.assert_close(value, expected)
    loss = made(name, kind)
    torch._dynamo.reset()
    # The memory of rows is kept in Python, and the operator of transcripts has a shape by data: outside the graph.
    compiled = torch.compile(loss, backend="eager", fullgraph=name not in ("early_learning", "ctc"))
    torch.testing.assert_close(compiled(half.float(), batch), expected)
    again = made(name, kind)
    again(half.float(), batch)
    torch.testing.assert_close(compiled(half.float(), batch), again(half.float(), batch))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("kind", "name"), ALL)
def test_on_a_gpu(kind, name):
    logits, batch = a_batch(kind, dtype=torch.float32)
    expected = made(name, kind)(logits.bfloat16().float(), batch)
    loss = made(name, kind).cuda()
    # A batch that is still in the memory of the CPU is as good.
    for device in ("cpu", "cuda"):
        moved = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
        if name == "early_learning":
            loss = made(name, kind).cuda()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            found = loss(logits.bfloat16().cuda(), moved)
        torch.testing.assert_close(found.cpu(), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", [n for n in CLASSES if n != "backward_correction"])
def test_very_confident_logits_stay_finite(name):
    logits = torch.tensor([[200.0, -200, 0, 0], [-200, 200, 0, 0]], requires_grad=True)
    batch = {"labels": torch.tensor([0, 0]), "row_id": ["a", "b"], "teacher_logits": torch.zeros(2, K)}
    value = made(name)(logits, batch)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


def test_focal_counts_easy_rows_little():
    logits, labels = torch.tensor([[4.0, 0, 0, 0], [0, 0, 0, 4.0]]), torch.tensor([0, 0])
    none = make_loss("classification", name="focal", gamma=2, reduction="none")(logits, {"labels": labels})
    p = torch.softmax(logits, 1)[:, 0]
    torch.testing.assert_close(none, -((1 - p) ** 2) * p.log())


def test_class_balanced_weights():
    loss = make_loss("classification", name="class_balanced", class_counts=COUNTS, beta=0.99)
    by_hand = torch.tensor([(1 - 0.99) / (1 - 0.99**n) for n in COUNTS])
    torch.testing.assert_close(loss.class_weights, by_hand / by_hand.mean())


def test_ldam_margins_and_deferred_weights():
    logits, batch = a_batch()
    del batch["soft_labels"]
    loss = make_loss("classification", name="ldam", class_counts=COUNTS, max_margin=0.5, reweight_from=3)
    margins = torch.tensor(COUNTS, dtype=torch.float64) ** -0.25
    margins = 0.5 * margins / margins.max()
    lowered = logits - functional.one_hot(batch["labels"].clamp_min(0), K) * margins
    each, w = functional.cross_entropy(lowered, batch["labels"], reduction="none"), batch["weights"].clone()
    w[-1] = 0
    torch.testing.assert_close(loss(logits, batch), (w * each).sum() / w.sum(), atol=1e-6, rtol=1e-6)
    loss.set_epoch(3)
    w = w * loss.deferred_weights.double()[batch["labels"].clamp_min(0)]
    torch.testing.assert_close(loss(logits, batch), (w * each).sum() / w.sum(), atol=1e-6, rtol=1e-6)
    loss.set_epoch(2)
    assert loss.row_weights(batch)[0] == batch["weights"][0]


def test_logit_adjustment_finds_balanced_scores():
    # Rows that all look alike, 9 : 1: cross-entropy learns log 9, the adjusted loss learns 0.
    labels = torch.tensor([0] * 9 + [1])
    z = torch.zeros(2, requires_grad=True)
    loss = make_loss("classification", name="logit_adjusted", class_counts=[9.0, 1.0])
    solver = torch.optim.LBFGS([z], max_iter=50)

    def closure():
        solver.zero_grad()
        value = loss(z.expand(10, 2), {"labels": labels})
        value.backward()
        return value

    solver.step(closure)
    assert abs(float(z.detach().diff())) < 1e-3


def test_corrections_against_their_definition():
    logits, batch = a_batch()
    t = torch.tensor(CONFUSED, dtype=torch.float64)
    t = t / t.sum(1, keepdim=True)
    labels = {"labels": batch["labels"][:-1]}
    p = torch.softmax(logits[:-1], 1)
    each = -(p @ t).log().gather(1, labels["labels"][:, None])[:, 0]
    found = made("forward_correction", reduction="none")(logits[:-1], labels)
    torch.testing.assert_close(found, each, atol=1e-5, rtol=1e-5)
    # Over the labels that a true class gets, the backward loss is that class's own cross-entropy.
    every = torch.arange(K)
    loss = made("backward_correction", reduction="none")
    one = logits[:1].expand(K, K)
    torch.testing.assert_close(t @ loss(one, {"labels": every}), -torch.log_softmax(one[0], 0), atol=1e-4, rtol=1e-4)


def test_early_learning_remembers_rows_and_is_saved():
    logits, batch = a_batch()
    loss = EarlyLearning(momentum=0.5)
    loss(logits, batch)
    p = torch.softmax(logits, 1).clamp(1e-4, 1 - 1e-4)
    p = p / p.sum(1, keepdim=True)
    torch.testing.assert_close(loss.memory[:6], (0.5 * p).float(), atol=1e-6, rtol=0)
    shuffled = {k: v.flip(0) if isinstance(v, torch.Tensor) else v[::-1] for k, v in batch.items()}
    loss(logits.flip(0), shuffled)
    torch.testing.assert_close(loss.memory[:6], (0.75 * p).float(), atol=1e-6, rtol=0)
    other = EarlyLearning(momentum=0.5)
    other.load_state_dict(loss.state_dict())
    loss.eval(), other.eval()
    torch.testing.assert_close(other(logits, batch), loss(logits, batch), rtol=0, atol=0)
    before = loss.memory.clone()
    loss(logits, batch)
    assert torch.equal(loss.memory, before)
    mixed = dict(batch, share=torch.full((6,), 0.5), partner_labels=batch["labels"])
    loss.train()(logits, mixed)
    assert torch.equal(loss.memory, before)
    with pytest.raises(ConfigError, match="row_id"):
        loss(logits, {"labels": batch["labels"]})
    unknown = loss.eval()(logits, {"labels": batch["labels"]})
    torch.testing.assert_close(unknown, make_loss("classification")(logits, {"labels": batch["labels"]}))


def test_unlabelled_rows_count_for_agreement_where_asked():
    logits, batch = a_batch()
    other = a_batch(seed=3)[0]
    for name, given in (("consistency", (logits, other)), ("distillation", logits)):
        loss = make_loss("classification", name=name, unlabelled=True, reduction="none")
        assert loss(given, batch)[-1] > 0
        assert make_loss("classification", name=name, reduction="none")(given, batch)[-1] == 0


def test_wrong_names_and_settings():
    for call, says in (
        (lambda: make_loss("classification", name="focl"), "did you mean 'focal'"),
        (lambda: make_loss("classification", name="asymmetric"), "for multilabel tasks"),
        (lambda: make_loss("classification", name="focal", gama=2), "did you mean 'gamma'"),
        (lambda: make_loss("classification", name="focal", gamma=-1), "gamma must be a number at least 0"),
        (lambda: make_loss("classification", name="ldam"), "needs class_counts"),
        (lambda: make_loss("classification", name="forward_correction"), "needs transition"),
        (lambda: made("forward_correction", transition=[[0.5, 0.1], [0, 1]]), "row 0 sums to 0.6"),
        (lambda: made("backward_correction", transition=[[0.5, 0.5], [0.5, 0.5]]), "take forward correction"),
        (lambda: made("balanced_softmax", class_weights=[1.0, 2, 3, 4]), "they would count twice"),
        (lambda: made("distillation")(torch.zeros(1, K), {"labels": torch.tensor([0])}), "teacher_logits"),
        (lambda: made("focal")(torch.zeros(1, K), {"labels": torch.tensor([0.5])}), "soft labels go"),
        (
            lambda: made("focal")(torch.zeros(1, K), {"labels": torch.tensor([0]), "weights": torch.ones(2)}),
            "for 1 row",
        ),
        (lambda: make_loss("regression", name="hubber"), "did you mean 'huber'"),
    ):
        with pytest.raises(ConfigError, match=says):
            call()


def test_a_result_gives_losses_by_name():
    table = curate.load(
        {"x": [float(i) for i in range(40)], "y": ["a"] * 30 + ["b"] * 10},
        task=curate.Task(features=("x",), label="y", kind="classification"),
    )
    curated = curate.Pipeline([]).run(table)
    assert curated.loss(name="focal", gamma=3).gamma == 3
    assert curated.loss(name="balanced_softmax").class_counts.tolist() == [30, 10]
    even = curate.Pipeline([], feed={"sampler": "balanced"}).run(table)
    assert even.loss(name="logit_adjusted").class_counts.tolist() == [20, 20]
    weighted = curate.Pipeline([curate.steps.ClassWeights()]).run(table)
    with pytest.raises(ConfigError, match="count twice"):
        weighted.loss(name="balanced_softmax")
    assert weighted.loss(name="balanced_softmax", class_weights=None).class_weights is None


def confused(**fixes):
    """A result with two clusters, 15 % of the 200 rows of class a labelled b, none of b labelled a."""
    rng = np.random.default_rng(0)
    true = ["a"] * 200 + ["b"] * 200
    given = ["b" if i < 30 else label for i, label in enumerate(true)]
    x = [float(v) for v in rng.normal([0.0 if y == "a" else 8.0 for y in true], 1.0)]
    y = [float(v) for v in rng.normal(0, 1, 400)]
    table = curate.load(
        {"x": x, "y": y, "label": given}, task=curate.Task(features=("x", "y"), label="label", kind="classification")
    )
    return curate.Pipeline([curate.steps.LabelErrors(limit=0.5, **fixes)]).run(table)


def test_corrections_take_the_estimated_matrix_of_what_training_sees():
    found = confused().loss(name="forward_correction").transition
    assert found[0].tolist() == pytest.approx([0.85, 0.15], abs=0.03)
    assert found[1, 0] < 0.02
    # Relabelled rows confuse nothing any more.
    assert confused(fix="relabel").loss(name="backward_correction").transition[0, 1] < 0.03
    table = curate.load(
        {"x": [1.0, 2.0] * 9, "label": ["a", "b"] * 9},
        task=curate.Task(features=("x",), label="label", kind="classification"),
    )
    with pytest.raises(ConfigError, match="step label_errors"):
        curate.Pipeline([]).run(table).loss(name="forward_correction")


def test_two_loaders_give_two_draws_of_the_same_rows_for_consistency():
    from curate.feed import Sampler
    from curate.media.image import encode_png

    rng = np.random.default_rng(0)
    cells = [{"bytes": encode_png(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)), "path": None} for _ in range(20)]
    task = curate.Task(image="image", label="label", kind="classification")
    table = curate.load({"image": cells, "label": ["a", "b"] * 10}, task=task)
    steps = [curate.steps.Augment(image=[{"RandomBrightnessContrast": {"p": 1.0}}])]
    curated = curate.Pipeline(steps).run(table)
    first, second = (curated.loader(seed=k, sampler=Sampler(curated.plan, batch_size=8, seed=0)) for k in (0, 1))
    loss, model = curated.loss(name="consistency"), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(2))
    for one, other in zip(first, second, strict=True):
        assert one["row_id"] == other["row_id"]
        assert not torch.equal(one["pixel_values"], other["pixel_values"])
        both = model(one["pixel_values"]), model(other["pixel_values"])
        assert loss(both, one) > (loss(both[0], one) + loss(both[1], one)) / 2
