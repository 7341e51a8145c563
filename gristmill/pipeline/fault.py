"""What is wrong with a `pipeline.yaml`: a place in the file, and a sentence."""

Place = tuple[str | int, ...]  # keys and numbers, from the top of the file
Fault = tuple[Place, str]
