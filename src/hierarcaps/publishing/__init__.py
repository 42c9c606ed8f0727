"""Results that travel: a model, a data set or a study as a folder that others load.

Each comes with a card that says what is known of it, and that the rest is unknown.
"""

__all__ = ["crate", "data_folder", "hub", "model_folder", "source"]
