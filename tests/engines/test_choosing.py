"""Choosing an engine, and clusters that are not there."""

import socket
import sys

import pytest

from curate.cli import invoke
from curate.engines.choosing import chosen
from curate.engines.engine import LOCAL, current
from curate.engines.ray_cluster import ray_cluster
from curate.errors import ConfigError, MissingPackage, StorageError


def opened(*given):
    with chosen(*given) as engine:
        return engine


def test_passes_run_here_unless_another_engine_was_chosen():
    assert current() is LOCAL
    with chosen() as engine:
        assert engine is current() is LOCAL
    assert list(LOCAL.ordered_map(str, range(5))) == list("01234")
    assert not LOCAL.remote
    assert LOCAL.slots() >= 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("rays",), "there is no engine 'rays' \\(did you mean 'ray'\\?\\); known: local, ray"),
        (("local", "auto"), "an address \\('auto'\\) is for the engine 'ray'"),
    ],
)
def test_wrong_choices_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        opened(*given)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackage, match=r"'ray' needs the package 'ray': pip install 'curate-data\[ray"):
        opened("ray")


@pytest.mark.parametrize("address", ["nowhere", "host:port", ":6379", "host:0", "host:70000", "ray://host"])
def test_what_is_no_address_is_refused(address):
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match="is none: expected auto, local, host:port or ray://host:port"):
        opened("ray", address)


def test_a_closed_port_is_said_to_be(monkeypatch):
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StorageError, match=f"the Ray cluster at '{address}' can't be reached: .*refused"):
        opened("ray", address)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(StorageError, match=f"the Ray cluster at '{address}' can't be reached"):
        opened("ray")


def test_what_listens_and_is_no_cluster_is_given_up_in_time():
    pytest.importorskip("ray")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with (
            pytest.raises(StorageError, match="does not answer as a Ray cluster within 1 s"),
            ray_cluster(address, seconds=1.0),
        ):
            pass


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--engine", "rays"), 2, "there is no engine 'rays' (did you mean 'ray'?)"),
        (("--address", "auto"), 2, "an address ('auto') is for the engine 'ray'"),
        (("--engine", "ray", "--address", "127.0.0.1"), 2, "the address '127.0.0.1' is none"),
        (("--engine", "ray", "--address", "127.0.0.1:1"), 4, "the Ray cluster at '127.0.0.1:1' can't be reached"),
    ],
)
@pytest.mark.parametrize("command", ["run", "audit"])
def test_options_of_the_command_line(tmp_path, capsys, command, given, code, said):
    if "ray" in given:
        pytest.importorskip("ray")
    data, file = tmp_path / "rows.csv", tmp_path / "pipeline.yaml"
    data.write_text("text,label\none thing,a\nanother thing,b\n")
    file.write_text("curate: 1\nsource: {path: rows.csv}\nsteps: [exact_duplicates]\n")
    named = (str(file), "--out", str(tmp_path / "out")) if command == "run" else (str(data),)
    assert invoke([command, *named, *given, "--no-cache"]) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
