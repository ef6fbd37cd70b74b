"""Refusals that more than one package raises; the others stand beside what raises them."""

from encoder_bridge.errors import UserError


class RunError(UserError):
    """A run folder that cannot be used as asked; the message says why and what to do."""


class DatasetError(UserError):
    """An offline data set that cannot be written as asked; the message says why and what to do."""
