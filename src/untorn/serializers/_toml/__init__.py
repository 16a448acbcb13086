"""How the TOML serializer reads, finds, edits and writes."""
