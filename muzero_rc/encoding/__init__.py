"""Encodes of prepared clips and of files; no JAX, no learning."""
