"""Encoders without libvpx, for tests and demonstrations of learning."""
