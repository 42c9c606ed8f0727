"""Fine-tuning of a text tower with the radial-embedding (RE) or the entailment-cone (EC) loss.

``losses`` are pure functions of tensors, ``recipe`` trains, ``run`` goes from files to files.
"""

__all__ = ["losses", "recipe", "run", "settings"]
