"""The evidence that the atomic writer keeps its promises: one module a body of it.

``python -m evidence.<name>`` tries, prints what it tried and counted, and fails if
untorn broke a promise; ``docs/explanation/evidence.md`` tells what each found.
"""
