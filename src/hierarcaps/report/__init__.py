"""What people read: rendered notebooks, in one style, computed from result files."""
