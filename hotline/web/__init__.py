"""Web: the three applications, their headers, languages and health."""
