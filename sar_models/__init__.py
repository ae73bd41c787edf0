"""Models, images, training, decoding and metrics. Knows no Prefect, MLflow, DVC or Great Expectations."""
