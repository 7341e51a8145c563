"""The code of the functions, a folder each, as in functions/."""
