"""Servers that do wrong."""
MODES = []


def serve(*_):
    raise NotImplementedError
