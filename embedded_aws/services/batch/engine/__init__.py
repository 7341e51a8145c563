"""What runs jobs: queues, capacity, retries, attempts and their logs."""
