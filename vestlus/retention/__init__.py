"""How long things are kept, and the walk that takes away what is old."""
