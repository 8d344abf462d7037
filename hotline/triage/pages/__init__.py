"""Pages: the console's screens. Every action is a plain form post; the script only adds keys."""
