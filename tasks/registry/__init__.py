"""Trained weights become versions of registered MLflow models, after the graph: `sar-text register`."""
