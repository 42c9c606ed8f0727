"""How each concept and each setting is drawn."""

__all__ = ["animals", "backgrounds", "nature", "pen", "things", "vehicles"]
