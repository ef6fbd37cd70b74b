"""Encodes measured and compared: rate controls, metrics, BD-rate, statistics."""
