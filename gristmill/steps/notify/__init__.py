"""Notify: what is sent to whom, and executions that ended without telling."""
