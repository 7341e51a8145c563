"""What a user does with versions of pipelines: push, look, compare, move, delete."""
