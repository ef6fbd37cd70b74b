"""Actors: self-play with search, and episodes played from a policy file."""
