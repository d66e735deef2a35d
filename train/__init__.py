"""What you run: fine-tune both models, score them, leave one article out, render model cards.

It imports hadath, never the reverse.
"""
