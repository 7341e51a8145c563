"""What lies in S3 of a run: its records, where its objects are, what its jobs have committed."""
