"""On a cluster of two nodes made on this machine the plan has the same bytes as here, also when a node is killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    script = Path(__file__).parent / "two_nodes.py"
    # In a process of its own, and a group of its own: nothing of the cluster outlives the test.
    ran = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("two_nodes"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = ran.communicate(timeout=800)[0]
    finally:
        ran.terminate()
        ran.wait(30)
    lines = [line for line in said.splitlines() if line.startswith("told:")]
    assert lines, said
    return json.loads(lines[0].removeprefix("told:"))


@pytest.mark.slow
def test_plan_and_findings_are_those_of_this_process(told):
    assert told["two nodes"]
    assert told["findings"]
    assert told["draws"] > 90
    assert told["broken"] == 1


@pytest.mark.slow
def test_plan_is_the_same_with_a_node_killed_in_mid_pass(told):
    assert told["killed"]
    assert 0 < told["after rows"] < told["draws"]


@pytest.mark.slow
def test_chunks_in_hand_of_a_killed_node_are_measured_elsewhere(told):
    assert told["killed in hand"]
    assert told["again"] >= 1
    assert told["all there"]


@pytest.mark.slow
def test_vectors_are_read_where_the_nodes_left_them_with_one_killed_while_heads_are_fitted(told):
    assert told["parts"] >= 8
    assert told["killed fitting"]
    assert told["in parts"]
    assert told["left"]
    assert told["sound"]


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["filled", "read"])
def test_plan_is_the_same_with_a_cache_that_the_nodes_share(told, cache):
    assert told["killed filling"]
    assert told[cache]


@pytest.mark.slow
def test_texts_in_memory_and_in_a_mapped_file(told):
    assert told["texts"]
    assert told["mapped"]
    assert told["shared"]
    assert told["found"]
    assert told["flagged"] >= 4


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "row"), [("dead", "10"), ("hung", "1")])
def test_a_row_that_ends_or_holds_up_its_worker_is_reported(told, kind, row):
    assert list(told[kind]) == [row]
    assert "the worker that looked at it died or took too long" in told[kind][row]
    assert told["rest"]


@pytest.mark.slow
def test_a_package_that_a_node_lacks_is_named(told):
    assert told["missing"].startswith("the measure test.lacking needs the package 'unobtainium'")


@pytest.mark.slow
def test_shards_are_those_of_this_process_with_a_node_killed_while_it_writes_one(told):
    assert told["killed writing"]
    assert told["shards again"] >= 1
    assert told["shards"]
    assert told["parquet"]


@pytest.mark.slow
def test_rows_are_chosen_and_made_as_in_this_process_with_a_node_killed_while_it_searches(told):
    assert told["killed searching"]
    assert told["searched again"] >= 1
    assert told["resampled"]
    assert min(told["resampled rows"]) > 100
    assert not told["matrices left"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        "FileHashes",
        "SentPass",
        "AmongAll",
        "AmongLying",
        "Weighing",
        "Encoding",
        "Writing",
        "prepared",
        "_searched",
        "_Leaving",
        "_of_bands",
        "_Asking",
        "_of_all",
        "HeldSearch",
    ],
)
def test_what_ran_on_the_nodes(told, work):
    assert told["ran"].get(work, 0) >= 1
