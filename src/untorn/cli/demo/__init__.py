"""``untorn demo``: what untorn promises, shown and counted in a temporary directory."""
