"""Samples of captions, each drawn once; the shards of what is written about them share it out."""

from hierarcaps.generation.caption_files import take, write_captions
from hierarcaps.generation.sampling import sample_covering, sample_plainly
from hierarcaps.generation.steps import Files


def make_seed_captions(captions: Files, size: int, seed: int, output: Files) -> None:
    """Draw the captions that seeds are written from: rare words are covered like common ones."""
    write_captions(output, [take(captions, sample_covering(captions, size, seed))])


def make_item_captions(captions: Files, size: int, seed: int, output: Files) -> None:
    """Draw the captions that items are written from, each as likely as any other."""
    write_captions(output, [take(captions, sample_plainly(captions, size, seed))])
