"""Migrations: the schema's history."""
