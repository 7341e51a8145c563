"""What runs in containers: slices of tasks, nodes of MPI jobs, single commands."""
