"""Commands: the bodies of the CLI, imported when they run."""
