"""Finding a Ray cluster, and saying within a limit of time why there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from curate.engines.ray_engine import RayEngine
from curate.errors import ConfigError, MissingPackage, StorageError

AUTO, OWN, CLIENT = "auto", "local", "ray://"
SECONDS = 30.0
"""For reaching a cluster, each of the two times that something is asked of it."""


@contextmanager
def ray_cluster(address: str | None = None, seconds: float = SECONDS) -> Iterator[RayEngine]:
    """An engine on a Ray cluster. A connection that the program has made itself is used, and left open.

    Args:
        address: ``auto`` (the default): the cluster that this machine belongs to, or that ``RAY_ADDRESS`` names;
            ``host:port`` or ``ray://host:port``; ``local``: a cluster of this machine alone, ended with the block.
        seconds: limit for reaching it.

    Raises:
        MissingPackage: Ray is not installed.
        ConfigError: `address` is none, or the nodes run another version of Python or Ray.
        StorageError: there is no cluster at that address, or it does not answer.
    """
    try:
        import ray
    except ImportError:
        raise MissingPackage("ray", "ray", "the engine 'ray'") from None
    if ray.is_initialized():
        yield RayEngine(ray)
        return
    _connect(ray, address or AUTO, seconds)
    try:
        yield RayEngine(ray)
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str, seconds: float) -> None:
    named = os.environ.get("RAY_ADDRESS") or AUTO if address == AUTO else address
    if named not in (AUTO, OWN):
        _reach(named, seconds)
    # Ray would hide the GPUs of tasks that ask for none, and says at length that it will do so no longer.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        with warnings.catch_warnings():  # Ray's own remarks on its own future
            warnings.simplefilter("ignore")
            ray.init(named, log_to_driver=False, logging_level="ERROR")
    except ConnectionError as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise StorageError(
            f"no Ray cluster was found at {named!r} ({reason}); start one (`ray start --head`), name its address"
            " (--address host:port), or take --address local for a cluster of this machine alone"
        ) from error
    except RuntimeError as error:  # other versions of Ray or Python
        raise ConfigError(f"the Ray cluster at {named!r} can't be used: {str(error).splitlines()[0]}") from error
    except ValueError as error:
        raise ConfigError(f"the address {named!r} is none that Ray knows: {error}") from error


def _reach(address: str, seconds: float) -> None:
    """Make sure that a cluster answers there: Ray itself would wait for minutes, and then end the program."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"the address {address!r} is none: expected auto, local, host:port or ray://host:port")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except OSError as error:
        raise StorageError(
            f"the Ray cluster at {address!r} can't be reached: {error}; is it running, and is the port open?"
        ) from error
    if address.startswith(CLIENT):
        return
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        healthy = subprocess.run(asked, capture_output=True, timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        healthy = False
    if not healthy:
        raise StorageError(
            f"what listens at {address!r} does not answer as a Ray cluster within {seconds:g} s; name the address that"
            " `ray start --head` printed"
        )
