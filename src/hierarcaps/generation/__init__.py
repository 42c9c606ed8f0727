"""The caption-hierarchy pipeline: from plain captions to positive and negative hierarchies."""
