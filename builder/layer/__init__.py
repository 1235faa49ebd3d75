"""Layers in one canonical form: equal content is equal bytes, whoever wrote it and when."""
