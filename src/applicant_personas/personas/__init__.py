"""Personas: found, named by a key that stays, and as sure as they are."""
