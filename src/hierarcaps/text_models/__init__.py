"""Small text models from scratch: one training loop and one word-level tokenizer.

The NLI model and H, the hierarchy model, are both trained with them.
"""

__all__ = ["tokenizer", "training"]
