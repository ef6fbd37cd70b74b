"""The controller's offsets fitted to clips and a metric: designs of moves, their encodes, the fit."""
