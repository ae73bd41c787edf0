"""Retraining: new data of moving sources, what changed by it, and the commit that says so."""
