"""A run's results as one page for people, and two runs side by side."""
