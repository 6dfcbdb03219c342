"""Accumulation in plain loops and with Accelerate: the step of one large batch, everywhere; resuming."""

import warnings
from types import SimpleNamespace

import pytest
import torch
from tiny import Averaging, numbers, pictures, sounds, videos

from curate.errors import ConfigError, MissingPackage
from curate.feed.trainers import accumulate


def trained(curated, model, size, steps, most=1):
    loss = curated.loss()
    solver = torch.optim.SGD(model.parameters(), lr=0.5)
    values = []
    for _, group in zip(range(most), accumulate(curated.loader(batch_size=size), loss, steps)):
        for batch in group:
            value = loss(model(batch), batch)
            value.backward()
            values.append(value.item())
        solver.step()
        solver.zero_grad()
    return values


def entry(curated):
    batch = next(iter(curated.loader(batch_size=2)))
    return next(name for name in ("pixel_values", "input_values", "features") if name in batch)


@pytest.mark.parametrize("make", [numbers, pictures, sounds, videos])
def test_one_step_whatever_the_accumulation(make, tmp_path):
    curated = make(tmp_path)
    found = []
    for size, steps in ((12, 1), (3, 4), (5, 3)):
        torch.manual_seed(0)
        model = Averaging(len(curated.label_names), entry(curated))
        before = model.layer.weight.detach().clone()
        found.append((sum(trained(curated, model, size, steps)), model.layer.weight.detach().clone()))
        assert not torch.equal(before, found[-1][1])
    # 5 + 5 + 5 draws are other draws than 12.
    assert found[0][0] != pytest.approx(found[2][0], rel=1e-3)
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-6, rtol=1e-5)


def test_a_mean_of_means_would_be_another_step(tmp_path):
    curated = numbers(tmp_path)
    loss = curated.loss()
    model = Averaging(len(curated.label_names), "features")
    [group] = [g for _, g in zip(range(1), accumulate(curated.loader(batch_size=3), loss, 4))]
    with torch.no_grad():
        exact = sum(float(loss(model(b), b)) for b in group)
        means = [float(loss(model(b), {k: v for k, v in b.items() if k != "mass"})) for b in group]
    assert abs(exact - sum(means) / 4) > 1e-3


def test_wrong_steps(tmp_path):
    with pytest.raises(ConfigError, match="steps must be"):
        accumulate([], torch.nn.Identity(), 0)


def test_accelerate(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    from curate.feed.trainers import accelerated

    curated = numbers(tmp_path)
    found = []
    for size, steps in ((12, 1), (3, 4)):
        accelerator = accelerate.Accelerator(cpu=True)
        torch.manual_seed(0)
        model = Averaging(len(curated.label_names), "features")
        model, solver = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.5))
        loader, loss = accelerated(accelerator, curated, batch_size=size), curated.loss()
        for group in accumulate(loader, loss, steps):
            for batch in group[:-1]:
                with accelerator.no_sync(model):
                    accelerator.backward(loss(model(batch), batch))
            accelerator.backward(loss(model(group[-1]), group[-1]))
            solver.step()
            solver.zero_grad()
            break
        found.append(model.layer.weight.detach().clone())
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-5)
    torch.manual_seed(0)
    plain = Averaging(len(curated.label_names), "features")
    trained(curated, plain, 12, 1)
    torch.testing.assert_close(found[0], plain.layer.weight.detach(), atol=1e-6, rtol=1e-5)
    other = type("Fake", (), {"gradient_accumulation_steps": 4})()
    with pytest.raises(ConfigError, match="wrong for batches of unequal weight"):
        accelerated(other, curated)
    with pytest.raises(ConfigError, match="curated is the path"):
        accelerated(accelerate.Accelerator(cpu=True), "curated/")
    with pytest.raises(ConfigError, match=r"a batch must be a dict with 'labels', as .* not a list"):
        list(accumulate([[torch.zeros(2), torch.zeros(2)]], curated.loss(), report=False))


def test_accelerate_resumes_in_the_second_epoch(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    from curate.feed.trainers import accelerated

    curated = numbers(tmp_path)
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerated(accelerator, curated, batch_size=4)
    list(loader)
    rest = iter(loader)
    next(rest), next(rest)
    state = loader.state_dict()
    expected = [batch["row_id"] for batch in rest]
    other = accelerated(accelerator, curated, batch_size=4)
    other.load_state_dict(state)
    other.set_epoch(1)
    assert [batch["row_id"] for batch in other] == expected
    assert len(expected) == len(loader) - 2


def test_accelerate_skips_the_first_batches(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    from curate.feed.trainers import accelerated

    curated, accelerator = numbers(tmp_path), accelerate.Accelerator(cpu=True)
    loader, other = (accelerator.prepare(accelerated(accelerator, curated, batch_size=4)) for _ in range(2))
    loader.set_epoch(1)
    expected = [batch["row_id"] for batch in loader][3:]
    other.skip(1, 3)
    assert [batch["row_id"] for batch in other] == expected
    assert not hasattr(other, "dataset")
    with pytest.raises(AttributeError, match=r"no DataLoader: .* call skip\(epoch, batches\)"):
        accelerator.skip_first_batches(other, 3)


def test_accelerate_prepares_no_training_loader_where_several_processes_train(tmp_path, monkeypatch):
    accelerate = pytest.importorskip("accelerate")
    curated, accelerator = numbers(tmp_path), accelerate.Accelerator(cpu=True)
    alone = accelerator.prepare(curated.loader(batch_size=4))
    assert sorted(row for batch in alone for row in batch["row_id"]) == sorted(curated.plan["row_id"].to_pylist())
    for name, value in {"is_initialized": True, "get_world_size": 2, "get_rank": 1}.items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    for options in ({}, {"sampler": "sequential", "rank": 1, "world_size": 2}):
        with pytest.raises(ConfigError, match=r"lose or repeat rows: take curate\.feed\.trainers\.accelerated"):
            accelerator.prepare(curated.loader(batch_size=4, **options))
    accelerator.prepare(curated.loader(batch_size=4, sampler="sequential"))


def test_a_missing_package_is_named(monkeypatch):
    from curate.feed import trainers

    monkeypatch.setattr(trainers, "find_spec", lambda name: None if "lightning" in name else object())
    with pytest.raises(MissingPackage, match="lightning"):
        _ = trainers.CuratedDataModule


def test_a_ray_worker_draws_its_own_share(monkeypatch, tmp_path):
    pytest.importorskip("ray")
    with warnings.catch_warnings():
        # Deprecations within Ray.
        warnings.simplefilter("ignore")
        import ray.train
        import ray.train.torch

        from curate.feed.trainers import worker_loader

    curated, rows = numbers(tmp_path), []
    for rank in range(3):
        context = SimpleNamespace(get_world_rank=lambda rank=rank: rank, get_world_size=lambda: 3)
        monkeypatch.setattr(ray.train, "get_context", lambda context=context: context)
        monkeypatch.setattr(ray.train.torch, "get_device", lambda: torch.device("cpu"))
        rows += [row for batch in worker_loader(curated, batch_size=4) for row in batch["row_id"]]
    assert sorted(rows) == sorted(curated.plan["row_id"].to_pylist())
