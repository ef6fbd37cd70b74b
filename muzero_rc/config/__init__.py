"""Training configuration: the schema, the ranges of its fields, and the TOML files that fill it."""
