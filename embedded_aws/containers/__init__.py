"""Jobs in containers, where docker or podman is there: the image of the job definition runs, not just its command."""
