"""What runs in containers: the child runner, and one folder per pipeline."""
