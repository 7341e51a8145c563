"""A free command as a job."""
