"""Samples, fixtures and fakes that several tests need."""
