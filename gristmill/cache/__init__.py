"""The cache between runs: what a branch has merged is reused where another run would compute the very same."""
