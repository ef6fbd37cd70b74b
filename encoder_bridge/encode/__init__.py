"""Encodes: settings, sessions, results, first passes."""
