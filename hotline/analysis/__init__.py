"""Analysis: frozen monthly releases and what may be drawn from them. Never a tip."""
