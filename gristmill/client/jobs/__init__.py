"""What a user does with single jobs."""
