"""What you run: fine-tune both models, score them, leave one article out. Imports hadath, never the reverse."""
