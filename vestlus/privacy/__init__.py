"""A user's data: given out whole, and erased."""
