"""Right and typical wrong answers to the exercises, a module a chapter from chapter 3 on."""
