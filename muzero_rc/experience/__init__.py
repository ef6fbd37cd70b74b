"""Episodes: on disk, in replay, in batches."""
