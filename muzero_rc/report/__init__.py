"""Reports: a page and a file of figures, from clips on disk."""
