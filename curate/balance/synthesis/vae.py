"""A small conditional variational autoencoder for tables.

Numbers are brought to normal scores, categories are one-hot, and the class goes into both halves. New rows are drawn
from a normal distribution around where the class's rows stand in the latent space.
Source: Kingma and Welling 2014, "Auto-Encoding Variational Bayes"; Sohn, Lee, Yan 2015 (conditional); Xu et al. 2019,
"Modeling Tabular Data using Conditional GAN" (the TVAE: a learned spread for each number, drawn anew in each row).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.balance.synthesis.frame import Values
from curate.balance.synthesis.gaussian_copula import FEW_VALUES

PATIENCE = 25
BATCHES, SMALLEST, LARGEST = 10, 64, 512
"""Batches of a pass over the rows, and bounds of their size."""
LEARNING_RATE = 2e-3
HELD_OUT = 0.1


class ConditionalVae:
    """A model of the rows of all classes.

    Args:
        values: m real rows.
        codes: (m,) int64 classes.
        sizes: number of values of each category column.
        hidden: width of the hidden layers.
        latent: numbers of the latent space.
        epochs: most passes over the rows; training stops when held-out rows stop becoming likelier.
        seed: of weights, batches and draws.
    """

    def __init__(
        self, values: Values, codes: np.ndarray, sizes: list[int], hidden: int, latent: int, epochs: int, seed: int
    ) -> None:
        import torch

        self._sizes, self._p, self._latent = sizes, values.numbers.shape[1], latent
        self._classes = np.unique(codes)
        known = np.isfinite(values.numbers)
        self._gaps = np.flatnonzero(~known.all(0))
        self._sorted = [np.sort(column[ok]) for column, ok in zip(values.numbers.T, known.T)]
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._build(hidden)
            self.epochs = self._train(*self._encoded(values, codes), epochs)
            self._stand(values, codes)

    @property
    def _groups(self) -> list[int]:
        """Sizes of the one-hot groups: the categories, then whether each gappy number is missing."""
        return [*self._sizes, *[2] * len(self._gaps)]

    def _build(self, hidden: int) -> None:
        from torch import nn

        def layers(first: int, last: int) -> Any:
            middle = [nn.Linear(first, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()]
            return nn.Sequential(*middle, nn.Linear(hidden, last)).to(self._device)

        width, classes = self._p + sum(self._groups), len(self._classes)
        self._encoder = layers(width + classes, 2 * self._latent)
        self._decoder = layers(self._latent + classes, width)
        self._spread = nn.Parameter(self._decoder[0].weight.new_full((self._p,), -1.0))

    def _encoded(self, values: Values, codes: np.ndarray) -> tuple[Any, Any]:
        """(m, w) inputs and (m, K) one-hot classes as tensors."""
        import torch
        from scipy.special import ndtri
        from scipy.stats import rankdata

        parts = []
        for column in values.numbers.T:
            ok = np.isfinite(column)
            scores = np.zeros(len(column))
            scores[ok] = ndtri((rankdata(column[ok]) - 0.5) / max(ok.sum(), 1))
            parts.append(scores[:, None])
        groups = [values.codes[:, place] for place in range(len(self._sizes))]
        groups += [np.isnan(values.numbers[:, place]).astype(np.int64) for place in self._gaps]
        parts += [group[:, None] == np.arange(size) for group, size in zip(groups, self._groups, strict=True)]
        inputs = np.concatenate(parts, axis=1).astype(np.float32)
        classes = (codes[:, None] == self._classes).astype(np.float32)
        return torch.from_numpy(inputs).to(self._device), torch.from_numpy(classes).to(self._device)

    def _loss(self, inputs: Any, classes: Any, draw: bool) -> Any:
        """Mean negative evidence lower bound of the rows, each class with an equal say."""
        import torch
        from torch.nn import functional

        mean, log_var = self._encoder(torch.cat([inputs, classes], 1)).chunk(2, 1)
        noise = torch.randn(mean.shape).to(mean.device) if draw else 0.0
        out = self._decoder(torch.cat([mean + noise * (0.5 * log_var).exp(), classes], 1))
        away = (inputs[:, : self._p] - out[:, : self._p]) * (-self._spread).exp()
        loss = (0.5 * away**2 + self._spread).sum(1)
        start = self._p
        for size in self._groups:
            part = slice(start, start + size)
            loss = loss + functional.cross_entropy(out[:, part], inputs[:, part], reduction="none")
            start += size
        loss = loss - 0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(1)
        weight = (classes / classes.sum(0).clamp(min=1)).sum(1).sqrt()
        return (loss * weight).sum() / weight.sum()

    def _train(self, inputs: Any, classes: Any, epochs: int) -> int:
        """Passes that the best weights took."""
        import copy

        import torch

        order = torch.randperm(len(inputs)).to(self._device)
        held = max(1, int(HELD_OUT * len(order))) if len(order) > 9 else 0
        test, train = order[:held], order[held:]
        test = test if held else train
        parameters = [*self._encoder.parameters(), *self._decoder.parameters(), self._spread]
        optimizer = torch.optim.Adam(parameters, LEARNING_RATE)
        best, kept, when = np.inf, None, 0
        batch = int(np.clip(len(train) // BATCHES, SMALLEST, LARGEST))
        for epoch in range(1, epochs + 1):
            for rows in train[torch.randperm(len(train)).to(self._device)].split(batch):
                optimizer.zero_grad()
                self._loss(inputs[rows], classes[rows], draw=True).backward()
                optimizer.step()
                with torch.no_grad():
                    self._spread.clamp_(-3.0, 1.0)
            with torch.no_grad():
                loss = float(self._loss(inputs[test], classes[test], draw=False))
            if loss < best - 1e-3:
                best, when = loss, epoch
                kept = copy.deepcopy((self._encoder.state_dict(), self._decoder.state_dict(), self._spread.data))
            elif epoch - when >= PATIENCE:
                break
        if kept is not None:
            self._encoder.load_state_dict(kept[0])
            self._decoder.load_state_dict(kept[1])
            self._spread.data = kept[2]
        return when

    def _stand(self, values: Values, codes: np.ndarray) -> None:
        """Where the rows of each class stand in the latent space: mean and covariance."""
        import torch

        inputs, classes = self._encoded(values, codes)
        with torch.no_grad():
            mean, log_var = self._encoder(torch.cat([inputs, classes], 1)).chunk(2, 1)
        mean, spread = mean.cpu().numpy().astype(np.float64), log_var.exp().cpu().numpy().astype(np.float64)
        self._places = {}
        for k in self._classes:
            own = codes == k
            about = np.cov(mean[own].T, bias=True).reshape(self._latent, self._latent)
            self._places[int(k)] = mean[own].mean(0), about + np.diag(spread[own].mean(0))

    def draw(self, code: int, count: int, rng: np.random.Generator) -> Values:
        """New rows of a class."""
        import torch
        from scipy.special import ndtr

        place, about = self._places[code]
        latent = (
            place
            + rng.standard_normal((count, self._latent)) @ np.linalg.cholesky(about + 1e-9 * np.eye(self._latent)).T
        )
        classes = np.repeat((self._classes == code).astype(np.float32)[None], count, axis=0)
        with torch.no_grad():
            given = torch.from_numpy(np.concatenate([latent, classes], axis=1).astype(np.float32)).to(self._device)
            out = self._decoder(given).cpu().numpy().astype(np.float64)
            spread = self._spread.exp().cpu().numpy()
        shares = ndtr(out[:, : self._p] + spread * rng.standard_normal((count, self._p)))
        numbers = np.stack([_at(s, shares[:, i]) for i, s in enumerate(self._sorted)], axis=1) if self._p else shares
        start, codes = self._p, []
        for size in self._groups:
            gumbel = -np.log(-np.log(rng.uniform(1e-12, 1, (count, size))))
            codes.append((out[:, start : start + size] + gumbel).argmax(1))
            start += size
        for column, missing in zip(self._gaps, codes[len(self._sizes) :], strict=True):
            numbers[missing == 1, column] = np.nan
        own = codes[: len(self._sizes)]
        return Values(numbers, np.stack(own, axis=1) if own else np.empty((count, 0), dtype=np.int64))


def _at(known: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Values at shares of a column's known values."""
    if not len(known):
        return np.full(len(shares), np.nan)
    if len(np.unique(known)) <= FEW_VALUES:  # such a column has no values in between
        return known[np.minimum((shares * len(known)).astype(np.int64), len(known) - 1)]
    return np.interp(shares * (len(known) - 1), np.arange(len(known)), known)
