"""How YAML texts are read and edited: events, nodes, values, fragments, edits."""
