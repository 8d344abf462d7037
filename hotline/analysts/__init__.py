"""Analysts: their accounts and their site, apart from the line's people, keys and database."""
