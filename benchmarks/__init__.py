"""Costs of this project, compared with alternatives: `make bench`."""
