"""The nodes of a multi-node job: they meet in the store, and run an MPI program over all of them."""
