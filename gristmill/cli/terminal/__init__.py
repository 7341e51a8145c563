"""What the commands share: options, the session with a stack, and how they print."""
