"""The wheel, installed where there is nothing else."""
