"""Store: the only room that touches the database."""
