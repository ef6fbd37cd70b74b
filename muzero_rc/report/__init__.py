"""The report: from clips on disk to a page."""
