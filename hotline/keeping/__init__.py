"""Keeping: copies of the line that are kept elsewhere, and the way back from them."""
