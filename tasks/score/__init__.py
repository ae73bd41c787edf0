"""Scores of anyone's captions and embeddings, from files."""
