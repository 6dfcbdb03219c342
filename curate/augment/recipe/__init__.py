"""The recipe: what the augment steps of a pipeline amount to, read back from the plan and carried out on items."""

from curate.augment.recipe.recipe import Recipe

__all__ = ["Recipe"]
