"""Small text models from scratch: one training loop and one word-level tokenizer.

The NLI model and H, the hierarchy model, are both trained with them. ``positions`` says how long a
text a published one reads.
"""

__all__ = ["positions", "tokenizer", "training"]
