"""The course's models, a module for each family; import the one you need."""
