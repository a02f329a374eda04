"""Sweeps: checked when they are posted, carried on in the background, shown with their figures."""
