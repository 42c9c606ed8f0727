"""Pre-training of small CLIP and MERU variants on the drawn world, with no word about hierarchy."""

__all__ = ["pictures", "run"]
