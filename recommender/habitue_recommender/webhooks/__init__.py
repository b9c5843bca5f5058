"""Telling other systems of what happened: signed, retried, never into the house."""
