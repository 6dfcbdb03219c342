"""The Trainer of transformers, fed with curated batches and a loss that sees soft labels and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from curate.errors import ConfigError
from curate.feed.inputs.processors import option_for
from curate.feed.loader import Loader
from curate.feed.losses.row_loss import RowLoss
from curate.feed.sampling.options import for_held_out
from curate.feed.trainers.accumulation import sum_of_masses, with_mass
from curate.feed.trainers.logits import logits_of, model_inputs, refuse_plain_text
from curate.feed.trainers.loss_state import load_loss
from curate.feed.trainers.reporting import Reporter
from curate.feed.trainers.result import a_result
from curate.feed.trainers.split import Split
from curate.media.torch_audio import guard_torchaudio

# transformers imports torchaudio where it is installed, and fails with it where its native part can't load.
guard_torchaudio()

from transformers import Trainer  # noqa: E402
from transformers.trainer_utils import get_last_checkpoint  # noqa: E402

from curate.feed.trainers.resuming import Resuming  # noqa: E402
from curate.feed.trainers.telling import Telling  # noqa: E402

_OURS = {
    "train_dataset": "the rows come from `curated`",
    "data_collator": "batches come from `curated.loader`: pass loader_options={'tokenizer': ...}",
    "compute_loss_func": "pass `loss`, which takes (logits, batch)",
}

_STRATEGIES = {"sequential": "{'sampler': 'sequential'}", "group_by_length": "{'bucket_by_length': True}"}
"""Ways of the Trainer to sample -> the loader's options for them."""


class CuratedMixin:
    """Put before a Trainer class, it feeds it with a curated result: ``class Mine(CuratedMixin, Seq2SeqTrainer)``.

    Order, batches and loss are curate's; all else is the Trainer's. The order follows from seed and epoch, so a run
    that goes on from a checkpoint sees exactly the batches that are left, in the loader's own way. Labels, soft labels
    and weights never go to the model, whose own loss is not computed, but to `loss`. One step is the same for any
    number of gradient accumulation steps and processes: the weighted sum over all rows of the step, divided by the sum
    of all weights. The logged loss is that value. The sampler ``adaptive`` is told at the end of every epoch what the
    loss was of each class, or row, over all processes; checkpoints hold that, and what an epoch has counted so far.

    Args:
        model: as for Trainer.
        args: as for Trainer; batch sizes, workers and `data_seed` (the pipeline's seed if None) are taken from it.
        curated: a result (`curate.open`, `Pipeline.run`).
        loss: of `curate.losses`; ``curated.loss()`` if left out.
        loader_options: of `curated.loader`, such as a tokenizer or processor; that is `processing_class` if left out.
        report: False where you tell the sampler ``adaptive`` something else (``trainer.loader.report(epoch, ...)``).
        eval_split: that `evaluate` takes; nothing where the result has no such split.
        eval_dataset: for evaluation on other data, in Trainer's own way.
        kwargs: further arguments of the Trainer.

    Raises:
        ConfigError: an argument that would do nothing, or that another one contradicts.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: Any = None,
        args: Any = None,
        *,
        curated: Any,
        loss: RowLoss | None = None,
        loader_options: Mapping[str, Any] | None = None,
        report: bool = True,
        eval_split: str = "validation",
        eval_dataset: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, instead in _OURS.items():
            if kwargs.get(name) is not None:
                raise ConfigError(f"{name} is not for a trainer of curated data: {instead}")
        self.curated, self._tells = a_result(curated), report
        self._held_out_terms: torch.Tensor | None = None
        self._resuming = Resuming()
        self.loader_options = dict(loader_options or {})
        given, task = kwargs.get("processing_class"), curated.table.task
        if given is not None and option_for(given) == "processor":
            self.loader_options.setdefault("processor", given)
        elif callable(given) and (task.text or task.transcript):
            self.loader_options.setdefault("tokenizer", given)
        refuse_plain_text(model, task, self.loader_options)
        self.curated_loss: RowLoss = curated.loss() if loss is None else loss
        if eval_dataset is None:
            eval_dataset = self._to_evaluate(eval_split, args)
        base: Any = super()
        base.__init__(model, args, eval_dataset=eval_dataset, **kwargs)
        trainer: Any = self
        _refuse(trainer.args)
        # Trainers that don't know `loss_is_scaled_for_ga` would divide the loss once more without this.
        trainer.model_accepts_loss_kwargs = True
        if trainer.args.label_names is None:
            # Found by the model's signature otherwise, which a model of one's own or with adapters need not have.
            trainer.label_names = ["labels"]
        self.curated_loss.to(trainer.args.device)
        self._telling = Telling(self)
        trainer.add_callback(self._telling)

    def _to_evaluate(self, name: str, args: Any) -> Any:
        """The split that `evaluate` takes, None where there is none. Raises ConfigError if training asks for one."""
        splits = self._splits()
        if name in splits:
            return self.split(name)
        strategy = getattr(args, "eval_strategy", "no")
        if (strategy := getattr(strategy, "value", strategy)) != "no":
            raise ConfigError(
                f"eval_strategy={strategy!r} needs held-out rows, and the result has no split {name!r}, but"
                f" {', '.join(splits)}: pass eval_split or eval_dataset (curate.resplit makes splits)"
            )
        return None

    def split(self, name: str) -> Any:
        """A split for `evaluate` or `predict`. Raises ConfigError if there is none of that name."""
        splits = self._splits()
        if name not in splits:
            raise ConfigError(f"there is no split {name!r}; there is {', '.join(splits)}")
        return Split(name, splits[name])

    def _splits(self) -> dict[str, int]:
        import pyarrow as pa

        counts = self.curated.plan["split"].cast(pa.string()).value_counts().to_pylist()
        return {line["values"]: line["counts"] for line in counts}

    def get_train_dataloader(self) -> DataLoader:
        """The loader of this process; not to be prepared by Accelerate, since it takes its own share of the draws."""
        trainer: Any = self
        args = trainer.args
        options = self._options(args) | {
            "drop_last": args.dataloader_drop_last,
            "batch_size": trainer._train_batch_size,
        }
        ranks = {"rank": args.process_index, "world_size": args.world_size}
        self.loader = self.curated.loader(**ranks | options | self.loader_options)
        self.reporter = Reporter(self.loader, self.curated_loss)
        if self._resuming.reports is not None:
            self.reporter.load_state_dict(self._resuming.reports)
        return self.loader

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The batches of a split, in order; of other data, what Trainer makes of it."""
        trainer: Any = self
        chosen = trainer.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(chosen, str):
            several = isinstance(trainer.eval_dataset, Mapping)
            chosen = trainer.eval_dataset[chosen] if several else self.split(chosen)
        if isinstance(chosen, Split):
            return self._held_out(chosen)
        base: Any = super()
        return base.get_eval_dataloader(eval_dataset)

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        """As `get_eval_dataloader`."""
        if isinstance(test_dataset, str):
            test_dataset = self.split(test_dataset)
        if isinstance(test_dataset, Split):
            return self._held_out(test_dataset)
        base: Any = super()
        return base.get_test_dataloader(test_dataset)

    def _held_out(self, split: Split) -> Any:
        trainer: Any = self
        args = trainer.args
        options = (
            self._options(args)
            | for_held_out(self.loader_options)
            | {"split": split.name, "batch_size": args.eval_batch_size}
        )
        options |= {"sampler": "sequential", "rank": 0, "world_size": 1}
        if args.world_size == 1:
            return self.curated.loader(**options)
        # Accelerate evens out the last batches and drops the repeats when it gathers; a row less would go unnoticed.
        loader = self.curated.loader(**options | {"on_error": "raise"})
        plain = DataLoader(
            loader.dataset, batch_sampler=loader.batch_sampler, collate_fn=loader.collate_fn,
            num_workers=loader.num_workers, pin_memory=loader.pin_memory,
        )  # fmt: skip
        return trainer.accelerator.prepare(plain)

    def _options(self, args: Any) -> dict[str, Any]:
        options = {"num_workers": args.dataloader_num_workers}
        if torch.cuda.is_available():
            options["pin_memory"] = args.dataloader_pin_memory
        if args.dataloader_num_workers:
            options["persistent_workers"] = args.dataloader_persistent_workers
            options["prefetch_factor"] = args.dataloader_prefetch_factor
        if args.data_seed is not None:
            options["seed"] = args.data_seed
        return options

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], torch.Tensor | None]:
        """The batches of one step, and the sum of their weights over all processes, which the losses are divided by."""
        trainer: Any = self
        group = list(islice(epoch_iterator, num_batches))
        if not group:
            return [], None
        mass = sum_of_masses(group, self.curated_loss).to(device)
        if trainer.args.world_size > 1:
            mass = trainer.accelerator.gather(mass.reshape(1)).sum()
        # Gradients are averaged over the processes, and what the losses are divided by makes a sum of that.
        return with_mass(group, mass / trainer.args.world_size), mass

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch on the logits of the model, which sees no targets."""
        trainer: Any = self
        given = model_inputs(trainer.accelerator.unwrap_model(model), inputs)
        outputs = model(**given)
        logits: Any = logits_of(outputs)
        if model.training and self.curated_loss.passes == 2:
            # Two passes differ by dropout.
            logits = (logits, logits_of(model(**given)))
        self.curated_loss.train(model.training)
        loss = self.curated_loss(logits, inputs)
        if self._held_out_terms is not None and not model.training:
            mass = self.curated_loss.mass(inputs).to(loss)
            self._held_out_terms += torch.stack([(loss * mass).detach(), mass]).double().cpu()
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(self, dataloader: Any, *args: Any, **kwargs: Any) -> Any:
        """As Trainer's; of a split, the loss is that of all its rows as one batch, not a mean over batches."""
        base: Any = super()
        self._held_out_terms = torch.zeros(2, dtype=torch.float64) if isinstance(dataloader, Loader) else None
        try:
            output = base.evaluation_loop(dataloader, *args, **kwargs)
            name = f"{kwargs.get('metric_key_prefix', 'eval')}_loss"
            if self._held_out_terms is not None and name in output.metrics and self._held_out_terms[1] > 0:
                output.metrics[name] = float(self._held_out_terms[0] / self._held_out_terms[1])
            return output
        finally:
            self._held_out_terms = None

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """As Trainer's; from a checkpoint loader, reports and a loss that remembers rows go on with what they had."""
        trainer: Any = self
        checkpoint = resume_from_checkpoint
        if checkpoint is True:
            checkpoint = get_last_checkpoint(trainer.args.output_dir)
        folder = Path(checkpoint) if isinstance(checkpoint, str | Path) else None
        if folder is not None:
            load_loss(self.curated_loss, folder)
        self._resuming = Resuming(folder)
        base: Any = super()
        with self._resuming.skipping(lambda: self._telling.epoch):
            return base.train(resume_from_checkpoint, *args, **kwargs)


class CuratedTrainer(CuratedMixin, Trainer):
    """`transformers.Trainer` on curated data; see `CuratedMixin` for the arguments."""


def _refuse(args: Any) -> None:
    """Raise ConfigError for arguments of the Trainer that would do nothing, or would do harm."""
    if args.label_smoothing_factor:
        raise ConfigError("label_smoothing_factor would be smoothing in the wrong place: take the step smooth_labels")
    strategy = getattr(args, "train_sampling_strategy", "random")
    if (strategy := getattr(strategy, "value", strategy)) != "random":
        instead = _STRATEGIES.get(strategy, "{'sampler': ...}")
        raise ConfigError(
            f"train_sampling_strategy={strategy!r}: the order is the loader's; pass loader_options={instead}"
        )
    if getattr(args, "ignore_data_skip", False):
        raise ConfigError("ignore_data_skip would draw rows twice after a checkpoint; skipping costs nothing here")
