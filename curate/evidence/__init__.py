"""Evidence: all that is measured or learned about rows, by name, computed once."""

from curate.evidence.evidence import Evidence
from curate.evidence.settings import EvidenceSettings
from curate.evidence.values import Embedding, Neighbours, Noise, Probabilities

__all__ = ["Embedding", "Evidence", "EvidenceSettings", "Neighbours", "Noise", "Probabilities"]
