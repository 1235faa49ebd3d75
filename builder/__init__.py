"""envbuild: from a YAML matrix to PyTorch images that were proven to work."""

__version__ = "0.1.0"
