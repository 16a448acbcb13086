"""Edits of real configuration files, judged by code that shares nothing with untorn."""
