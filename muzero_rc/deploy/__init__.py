"""Policies in use: policy files, their names, the preload library."""
