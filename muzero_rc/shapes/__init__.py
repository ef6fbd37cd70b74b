"""The policy of GOP shapes, learned: scans of clips, credits of GOPs, and the fit."""
