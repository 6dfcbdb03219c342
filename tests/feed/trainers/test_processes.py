"""Two processes that accumulate make the step of one large batch, and draw each row once."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import bert, texts, tokenizer

WORKER = Path(__file__).parent / "two_processes.py"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_two_processes_make_the_step_of_one(tmp_path):
    port = str(free_port())
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(tmp_path)],
            env=os.environ | {
                "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1",
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "CUDA_VISIBLE_DEVICES": "",
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    said = [worker.communicate(timeout=200)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(said)
    curated, model = texts(), bert()
    batch = next(iter(curated.loader(batch_size=16, tokenizer=tokenizer())))
    value = curated.loss()(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits, batch)
    value.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for kind in ("plain", "transformers"):
        found = [one[kind] for one in told]
        assert found[0]["weights"] == found[1]["weights"]
        assert not set(found[0]["rows"]) & set(found[1]["rows"])
        assert sorted(found[0]["rows"] + found[1]["rows"]) == sorted(batch["row_id"])
        expected = model.classifier.weight.detach()
        torch.testing.assert_close(torch.tensor(found[0]["weights"]), expected, atol=1e-6, rtol=1e-4)
    assert told[0]["transformers"]["loss"] == pytest.approx(value.item(), rel=1e-4)
    for one in told:  # the counts of both were in the checkpoint
        whole, again = one["resumed"]["whole"], one["resumed"]["again"]
        assert again["rows"] == whole["rows"][7:]
        assert again["shares"] == pytest.approx(whole["shares"], rel=1e-5)
    assert told[0]["resumed"]["again"]["shares"] == told[1]["resumed"]["again"]["shares"]
    check_reports([one["adaptive"] for one in told], curated)
    check_accelerate([one["accelerate"] for one in told], curated)


def check_reports(told, curated):
    """Both report what both have seen, and deal out the next epoch alike."""
    assert told[0]["shares"] == told[1]["shares"]
    both = told[0]["seen"] + told[1]["seen"]
    means = [sum(v for v, k in both if k == code) / sum(k == code for _, k in both) for code in range(3)]
    assert told[0]["shares"] == pytest.approx([mean / sum(means) for mean in means], rel=1e-5)
    rows = told[0]["next"] + told[1]["next"]
    assert len(rows) == curated.plan["split"].to_pylist().count("train")
    assert told[0]["next"] != told[1]["next"]


def check_accelerate(told, curated):
    """Every training row once over both, by `accelerated` alone; every held-out row once by `gather_for_metrics`."""
    splits = dict(zip(curated.plan["row_id"].to_pylist(), curated.plan["split"].to_pylist(), strict=True))
    expected = sorted(row for row, split in splits.items() if split == "train")
    assert sorted(told[0]["rows"] + told[1]["rows"]) == expected
    [held_out] = curated.loader(split="validation", batch_size=64)
    for one in told:
        assert len(one["refused"]) == 3
        assert all("curate.feed.trainers.accelerated(accelerator" in said for said in one["refused"])
        assert one["gathered"] == held_out["labels"].tolist()
