"""Personas and enrollment likelihood for applicants: pure functions and a small command line."""

__version__ = "0.1.0"
