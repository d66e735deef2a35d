"""Timed claims, as ratios within one run."""
