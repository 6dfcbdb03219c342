"""Batches of a loader, copied to a device while the model is still at the ones before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch

from curate.errors import ConfigError
from curate.feed.cursor import Cursor
from curate.feed.device.left import Left
from curate.feed.device.named import device_of
from curate.feed.device.preparing import Preparation
from curate.feed.draws import LEFT
from curate.feed.inputs.image import Images
from curate.feed.tensors import each_tensor, on_device

if TYPE_CHECKING:
    from curate.feed.loader import Loader

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class _Ahead(NamedTuple):
    """A batch on its way.

    Attributes:
        batch: what will be handed out.
        drawn: where the epoch stands when it has been.
        is_last: whether it is the last of its epoch.
        event: of the stream that copies it; None without one.
    """

    batch: dict[str, Any]
    drawn: int
    is_last: bool
    event: Any


class Prefetched:
    """The batches of a loader on a device. On a CUDA device `depth` of them are copied ahead, from page-locked memory
    and on a stream of their own, while the model works; normalisation and augmentation happen on that stream, too.

    The state counts what was handed out, not what was copied ahead. The loader itself should not be iterated beside it.

    Args:
        loader: whose batches they are.
        device: where they go.
        depth: batches that are copied ahead on a CUDA device; elsewhere nothing is.
        dtype: of floating inputs (labels, soft labels and weights stay float32): float32, bfloat16 or float16.
        channels_last: images pixel by pixel in memory, as convolutions of a GPU like them.
        augment: do the last image operations of the recipes on the device, as far as they are `HorizontalFlip`,
            `VerticalFlip` and `ColorJitter`, and `RandomResizedCrop` of images that `image_size` makes larger than what
            it cuts; needs ``pixels="uint8"``. What is drawn is the same as on the CPU; pixels differ by rounding.

    Attributes:
        loader: whose batches they are.
        device: where they go.

    Raises:
        ConfigError: an option is wrong, or there is nothing that `augment` could do there.
    """

    def __init__(
        self,
        loader: Loader,
        device: torch.device | str,
        depth: int = 2,
        dtype: torch.dtype | str | None = None,
        channels_last: bool = False,
        augment: bool = False,
    ) -> None:
        if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
            raise ConfigError(f"depth must be a whole number of at least 1, not {depth!r}")
        self.loader, self.device, self._depth = loader, device_of(device), depth
        names: Mapping[str, str] = loader.dataset.names  # type: ignore[attr-defined]
        scaled = {
            names.get(one.name, one.name): one.normalization
            for one in cast(Iterable[Any], loader.inputs)
            if getattr(one, "normalization", None) is not None
        }
        parts = [part for one in cast(Iterable[Any], loader.inputs) for part in getattr(one, "parts", (one,))]
        if channels_last and not any(part.modality in ("image", "video") for part in parts):
            raise ConfigError("channels_last is for images, and the batches have none")
        images = self._leave(names) if augment else None
        self._preparation = Preparation(scaled, _dtype(dtype), channels_last, images)
        self._cursor = Cursor(loader.cursor.epoch, loader.cursor.drawn, loader.cursor.resumes)
        if self.device.type == "cuda":
            loader.pin_memory = True

    def _leave(self, names: Mapping[str, str]) -> str:
        """Have the loader leave operations to the device; the entry that they are for."""
        dataset: Any = self.loader.dataset
        images = [one for one in dataset.inputs if type(one) is Images]
        if len(images) != 1 or images[0].normalization is None or images[0].size is None:
            raise ConfigError(
                "augment is for images of one size that come as bytes (pixels='uint8', no image_size='native'),"
                " without masks or boxes"
            )
        if dataset.recipes.mixes:
            raise ConfigError(
                "augment can't be combined with the step mix, which mixes images after their augmentation"
            )
        self.loader.close()
        dataset.left = Left(images[0].size)
        return names.get(images[0].name, images[0].name)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The batches of the epoch; see `Loader`."""
        at = self.loader.upcoming()
        self._cursor.go_to(at.epoch, at.drawn if at.resumes else 0)
        epoch, whole, taken, finished = at.epoch, not at.resumes, 0, False
        ahead: deque[_Ahead] = deque()
        source = iter(self.loader)
        side = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        # The CPU has nothing to copy ahead to, and a batch made early would only take memory.
        depth = self._depth if side is not None else 1
        try:
            while True:
                while len(ahead) < depth and (batch := next(source, None)) is not None:
                    ahead.append(self._sent(batch, side))
                    del batch
                if not ahead:
                    break
                taken += 1
                self._cursor.drawn, self._cursor.complete = ahead[0].drawn, ahead[0].is_last
                yield self._handed(ahead.popleft())
            finished = True
            self._cursor.finish()
        finally:
            source.close()  # type: ignore[attr-defined]
            if not finished and self._cursor.epoch == epoch:
                self._cursor.stop(epoch, behind_only=whole and taken == 1)
                # The loader may be through, though not all was handed out: then the epoch begins anew.
                self.loader.set_epoch(epoch + self._cursor.complete)

    def _sent(self, batch: dict[str, Any], side: Any) -> _Ahead:
        """A batch, its copying begun."""
        at, asked = self.loader.cursor, batch.pop(LEFT, ())
        if side is None:
            here = on_device(batch, self.device)
            return _Ahead(self._preparation.prepared(here, asked, self.device), at.drawn, at.complete, None)
        with torch.cuda.stream(side):
            there = on_device(batch, self.device)
            made = self._preparation.prepared(there, asked, self.device)
            event = torch.cuda.Event()
            event.record(side)
        return _Ahead(made, at.drawn, at.complete, event)

    def _handed(self, ready: _Ahead) -> dict[str, Any]:
        """The batch, which the stream of whoever takes it waits for."""
        if ready.event is not None:
            stream = torch.cuda.current_stream(self.device)
            stream.wait_event(ready.event)
            # Its memory was taken on the other stream, which may not have it back while this one reads it.
            each_tensor(ready.batch, lambda tensor: tensor.record_stream(stream))
        return ready.batch

    @property
    def dataset(self) -> Any:
        """Nothing. Raises AttributeError for those who take it for a DataLoader, such as `skip_first_batches`."""
        raise AttributeError(
            "batches on their way to a device have no dataset, as they are no DataLoader: to go on in an epoch call"
            " skip(epoch, batches), or load_state_dict"
        )

    def skip(self, epoch: int, batches: int) -> None:
        """See `Loader.skip`."""
        self.loader.skip(epoch, batches)
        at = self.loader.cursor
        self._cursor.go_to(at.epoch, at.drawn)

    @property
    def epoch(self) -> int:
        """The epoch that is handed out, or that the next iteration hands out."""
        return self._cursor.epoch

    def set_epoch(self, epoch: int) -> None:
        """See `Loader.set_epoch`."""
        self.loader.set_epoch(epoch)
        self._cursor.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """See `Loader.state_dict`; what was copied ahead does not count."""
        return self.loader.requests.sampler.state_at(self._cursor)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Loader.load_state_dict`."""
        self.loader.load_state_dict(state)
        at = self.loader.cursor
        self._cursor.go_to(at.epoch, at.drawn)

    @property
    def skipped(self) -> dict[str, str]:
        """See `Loader.skipped`."""
        return self.loader.skipped


def _dtype(asked: torch.dtype | str | None) -> torch.dtype | None:
    found = DTYPES.get(asked) if isinstance(asked, str) else asked
    if asked is not None and not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, not {asked!r}")
    return found
