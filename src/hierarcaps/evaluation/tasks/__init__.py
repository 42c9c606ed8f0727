"""What is measured, a module for each task; ``registry`` makes them from the parameters.

``names`` lists tasks and their files without importing any.
"""

__all__ = ["names", "own", "protocol", "registry"]
