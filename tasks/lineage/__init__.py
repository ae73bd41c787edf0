"""What stands behind a model, and what an image touched: derived from git, DVC and MLflow when asked, never stored."""
