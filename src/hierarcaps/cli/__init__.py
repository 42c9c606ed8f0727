"""``hierarcaps``: what the workflow does, on a user's own model, images and captions.

``app`` declares the commands, a module for each does it, ``output`` shows what came of it, and
``run`` turns errors into a sentence and a status.
"""

from hierarcaps.cli.run import main

__all__ = ["app", "main"]
