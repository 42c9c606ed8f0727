"""The page of test images with the hierarchies that models retrieve for them."""

__all__ = ["page"]
