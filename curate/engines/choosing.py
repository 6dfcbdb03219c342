"""The engine by its name, for the time of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from curate.engines.engine import LOCAL, Engine, using
from curate.errors import ConfigError, nearest

EngineName = Literal["local", "ray"]
ENGINES = ("local", "ray")


@contextmanager
def chosen(name: str = "local", address: str | None = None) -> Iterator[Engine]:
    """Passes within this block run there.

    Args:
        name: local (threads of this process) or ray.
        address: of the Ray cluster: auto, local, ``host:port`` or ``ray://host:port``; auto if None.

    Raises:
        ConfigError: there is no such engine, or an address for one that has none.
        MissingPackage: Ray is not installed.
        StorageError: the cluster can't be reached.
    """
    if name == "local":
        if address is not None:
            raise ConfigError(f"an address ({address!r}) is for the engine 'ray'; the engine is 'local'")
        with using(LOCAL) as engine:
            yield engine
        return
    if name != "ray":
        raise ConfigError(f"there is no engine {name!r}{nearest(name, ENGINES)}; known: {', '.join(ENGINES)}")
    from curate.engines.hashing import HashingElsewhere
    from curate.engines.ray_cluster import ray_cluster
    from curate.media.file_hashes import hashed_by

    with ray_cluster(address) as cluster, using(cluster) as engine, hashed_by(HashingElsewhere(cluster)):
        yield engine
