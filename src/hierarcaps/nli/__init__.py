"""Natural-language inference: does one caption entail or contradict another?"""

from hierarcaps.nli.model import CONTRADICTION, ENTAILMENT, LABELS, NEUTRAL, NLIModel

__all__ = ["CONTRADICTION", "ENTAILMENT", "LABELS", "NEUTRAL", "NLIModel"]
