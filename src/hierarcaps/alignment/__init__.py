"""Text-only fine-tuning that makes an emergent hierarchy usable."""
