"""The state of a sampler as plain values, and back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.feed.sampling.layout import Place, Standing

NEEDED = ("epoch", "drawn", "seed", "n", "fingerprint")


def whole(name: str, value: Any, least: int) -> int:
    """The value as an int. Raises ConfigError if it is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def written(place: Place) -> dict[str, Any]:
    """How many draws were used; where these are not the first ones, also which are left, as a bitmap in base64."""
    if not len(place.left):
        return {"drawn": place.drawn}
    begin = int(place.left[0])
    bits = np.zeros(place.reached - begin, bool)
    bits[place.left - begin] = True
    text = base64.b64encode(np.packbits(bits).tobytes()).decode("ascii")
    return {"drawn": place.drawn, "left": {"from": begin, "to": place.reached, "draws": text}}


def written_standing(standing: Standing, layout: str) -> dict[str, Any]:
    """As `written`; with the window that is being made into batches, so that the same layout goes on with the same."""
    window = {"window": {**written(standing.window), "rounds": standing.rounds, "layout": layout}}
    return written(standing.place) | (window if standing.rounds else {})


def read_standing(state: Mapping[str, Any], n: int, layout: str) -> Standing:
    """How an epoch stands by a state. Raises ConfigError if there can be none such."""
    place, window = read_place(state, n), state.get("window")
    if not isinstance(window, Mapping) or window.get("layout") != layout or "drawn" not in window:
        return Standing.at(place)
    return Standing(place, read_place(window, n), whole("rounds", window.get("rounds"), 0))


def read_place(state: Mapping[str, Any], n: int) -> Place:
    """The place of a state. Raises ConfigError if there can be none such."""
    drawn, left = whole("drawn", state["drawn"], 0), state.get("left")
    if drawn > n:
        raise ConfigError(f"the state says that {drawn} of {n} draws were made")
    if left is None:
        return Place.at(drawn)
    try:
        begin, end = whole("from", left["from"], 0), whole("to", left["to"], 0)
        packed = np.frombuffer(base64.b64decode(left["draws"], validate=True), np.uint8)
        if not begin < end <= n or len(packed) != -(-(end - begin) // 8):
            raise ValueError(f"{8 * len(packed)} bits for the draws {begin} to {end} of {n}")
        place = Place(end, begin + np.flatnonzero(np.unpackbits(packed, count=end - begin)).astype(np.int64))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ConfigError(f"the state's draws that are left can't be read ({type(error).__name__}: {error})") from error
    if place.drawn != drawn:
        raise ConfigError(f"the state says that {drawn} draws were made, and that {len(place.left)} of {end} are left")
    return place


def check_state(state: Mapping[str, Any], fingerprint: str, n: int, seed: int) -> None:
    """Raise ConfigError where a state is none, or of another sampler."""
    if not isinstance(state, Mapping):
        raise ConfigError(f"this is no sampler state (what state_dict() gave) but {type(state).__name__}")
    missing = [key for key in NEEDED if key not in state]
    if missing:
        raise ConfigError(f"this is no sampler state: it lacks {', '.join(missing)}")
    if state["fingerprint"] != fingerprint or state["n"] != n:
        raise ConfigError(
            f"the state belongs to another plan or mode ({state['n']} draws per epoch, fingerprint"
            f" {state['fingerprint']}; this one has {n}, {fingerprint}): go on with the plan and mode"
            " that it was saved with, or start anew without it"
        )
    if state["seed"] != seed:
        raise ConfigError(f"the state was saved with seed {state['seed']}, and this sampler has {seed}")


def refuse_left(place: Place) -> None:
    """Raise ConfigError for a place between whose draws others are left, where batches are made as draws come."""
    if len(place.left):
        raise ConfigError(
            "the state was saved with batches of similar length, between whose draws others are left: go on with"
            " lengths as well, or from the start of an epoch"
        )
