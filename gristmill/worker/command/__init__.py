"""A submitted command as a job."""
