"""Event schemes as data: their types, and how to ask for their roles. It knows nothing of code."""
