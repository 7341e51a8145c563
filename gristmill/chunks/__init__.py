"""The chunk index, and cutting a stage's input into chunks."""
