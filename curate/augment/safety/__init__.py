"""Whether augmented rows are still of their class, and what they look like."""

from curate.augment.safety.contact_sheet import contact_sheet
from curate.augment.safety.label_safety import advised, label_safety

__all__ = ["advised", "contact_sheet", "label_safety"]
