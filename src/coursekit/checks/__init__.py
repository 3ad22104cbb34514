"""The exercises' checks, a module a chapter: each holds CHECKS, a dict from name to function."""
