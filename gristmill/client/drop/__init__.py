"""What a user does before a run: plan, try, drop."""
