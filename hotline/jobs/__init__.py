"""Jobs: one table of tasks, one runner, two engines: embedded, or RQ workers on Redis."""
