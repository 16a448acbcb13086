"""Places where a save is hard: what may be refused, what must be kept, and what is said."""
