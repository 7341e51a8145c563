"""Notify: the notices of runs, the channels that they take, and executions that ended without one."""
