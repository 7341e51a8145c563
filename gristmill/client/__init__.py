"""What the command line does, as functions and classes that print nothing: other programs may use them too."""
