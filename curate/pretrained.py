"""Models and tokenizers by name or folder: first what is on this machine, then the Hugging Face hub, never code.

What was downloaded once is used as it is, so that the same name gives the same model with and without a network. The
hub is asked a single question before anything is downloaded: its client would try for minutes where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from curate.errors import ConfigError
from curate.media.torch_audio import guard_torchaudio

WAIT_SECONDS = 10.0
FAILURES = (OSError, ValueError, RuntimeError, KeyError, ImportError)
"""What transformers raises for models that are not there, are of another kind, or damaged."""
ADVICE = "give the name of a model on the hub, or a folder that holds one"
T = TypeVar("T")


def opened(name: str, load: Callable[[dict[str, Any]], T], purpose: str, advice: str = ADVICE) -> T:
    """What `load` makes of a model's name.

    Args:
        name: of a model on the hub, or a folder.
        load: called with keywords for `from_pretrained` (`local_files_only`, where it must not use the network); give
            `use_safetensors=True` with weights: other files can hold code.
        purpose: for messages: ``translate_text``, ``the encoder 'x'``.
        advice: for messages: what to name instead.

    Raises:
        ConfigError: there is no such model, it is of another kind, or the hub can't be reached.
    """
    with quiet():
        try:
            return load({"local_files_only": True})
        except FAILURES as error:
            if Path(name).exists() or name.startswith((".", "/", "~")) or is_offline():
                raise _refused(name, purpose, advice, _first_line(error)) from error
        if (reason := unreachable(name, "model")) is not None:
            raise _refused(name, purpose, advice, reason)
        try:
            return load({})
        except FAILURES as error:
            raise _refused(name, purpose, advice, _first_line(error)) from error


def unreachable(name: str, kind: str) -> str | None:
    """Why a model or dataset (`kind`) can't be had from the hub; None if it can, or the hub should say itself."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    api = HfApi()
    try:
        (api.dataset_info if kind == "dataset" else api.model_info)(name, timeout=WAIT_SECONDS)
    except RepositoryNotFoundError:
        return f"the hub has no {kind} of that name (or it is private, and no token is set)"
    except HFValidationError:
        return "there is no such file or folder, and the hub has no such names"
    except Exception as error:  # the client's errors share no base, and it changes what it stands on
        return f"it is not on this machine, and {api.endpoint} can't be reached ({_first_line(error)})"
    return None


def is_offline() -> bool:
    """Whether the user has forbidden the hub's client to use the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


@contextmanager
def without_network() -> Iterator[None]:
    """The hub's client and `datasets` take what was downloaded before, and ask for nothing."""
    import datasets.config
    import huggingface_hub.constants

    places: tuple[Any, ...] = (huggingface_hub.constants, datasets.config)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place in places:
            place.HF_HUB_OFFLINE = True
        yield
    finally:
        for place, value in zip(places, before):
            place.HF_HUB_OFFLINE = value


@contextmanager
def quiet() -> Iterator[None]:
    """transformers without progress bars and without remarks about weights that a model does not use."""
    guard_torchaudio()
    import transformers

    verbosity, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()


def _refused(name: str, purpose: str, advice: str, reason: str) -> ConfigError:
    return ConfigError(f"{purpose}: the model {name!r} can't be loaded: {reason}; {advice}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
