"""Back up an installation of `make up`, and bring it back."""
