"""Settings of the steps that weigh by how often labels, objects or pixels occur."""

from __future__ import annotations

from pydantic import Field

from curate.balance._by_method import ByMethod
from curate.wording import noun, with_article


class LabelWeights(ByMethod):
    """A step with a largest weight, and with a say in which pixels of masks count."""

    max_weight: float | None = Field(
        None, ge=1, description="largest weight, after scaling; the others make up for it; no bound if left out"
    )
    background: int | None = Field(
        0, ge=0, le=255, description="of pixels: value without an object; null where every value is a class"
    )
    ignore_value: int | None = Field(
        255, ge=0, le=255, description="of pixels: value that does not count where it is no class; null for none"
    )

    def _idle_of_masks(self, kind: str | None) -> str | None:
        """Why settings about pixels can't be used for a task without masks."""
        idle = [name for name in ("background", "ignore_value") if name in self.changed()]
        if not idle or kind == "segmentation":
            return None
        say = noun(len(idle), "says", "say")
        task = with_article(f"{kind} task")
        return f"{self.name}: {' and '.join(idle)} {say} which pixels count, and {task} has none"
