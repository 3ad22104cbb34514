"""The exercises' checks, a module a chapter or lab; CHECKS is a dict from name to function."""
