"""Deployment of policies: policy files and their export, their names, the preload library."""
