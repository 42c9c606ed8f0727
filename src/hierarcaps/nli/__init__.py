"""Natural-language inference: does one caption entail or contradict another?"""

from hierarcaps.nli.model import CONTRADICTION, ENTAILMENT, LABELS, NEUTRAL, NLIModel, open_nli

__all__ = ["CONTRADICTION", "ENTAILMENT", "LABELS", "NEUTRAL", "NLIModel", "open_nli", "training"]
