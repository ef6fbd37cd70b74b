"""Settings of a run: the schema with its ranges, and TOML files that fill it."""
