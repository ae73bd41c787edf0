"""A simulated SAR world with an optical twin: seeded scenes, rendered, annotated and written in the real layouts."""
