"""A pipeline's code as data: its digest, its archive, and the folder that a job runs it from."""
