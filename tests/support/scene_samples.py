"""A clip of three scenes: where each begins."""

SCENES, FRAMES = (0, 26, 56), 80
