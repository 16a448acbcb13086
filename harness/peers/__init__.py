"""Other editors of configuration files, asked to make the same edits; none of them is part of untorn."""
