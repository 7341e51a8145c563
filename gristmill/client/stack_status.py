"""What the status of a CloudFormation stack lets be done with it. Pure."""

_SETTLED = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
# everything that the template asks for stands; only what it asks for no more is being removed
_CLEANING = {"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}
_WAIT = "Its resources are changing: wait until that is complete, then repeat the command."
_AGAIN = "It is half old, half new: deploy it again."
_MENDS = {
    "REVIEW_IN_PROGRESS": "Nothing of it is made yet: execute its change set, or deploy it again.",
    "CREATE_FAILED": "It was never whole, and its events say why: delete it, then deploy it again.",
    "ROLLBACK_FAILED": "It was never whole, and its events say why: delete it, then deploy it again.",
    "ROLLBACK_COMPLETE": "It was never whole, and its events say why: delete it, then deploy it again.",
    "DELETE_IN_PROGRESS": "Deploy it again once it is gone, or name another: --stack.",
    "DELETE_FAILED": "Part of it is deleted, and its events say why the rest is not: delete that too.",
    "UPDATE_ROLLBACK_FAILED": "It is half old, half new: aws cloudformation continue-update-rollback goes on.",
}


def is_settled(status: str) -> bool:
    """Return whether nothing of the stack changes, and nothing failed to."""
    return status in _SETTLED


def why_no_work(status: str) -> str:
    """Return what to do where the stack cannot be relied on for new work; empty where it can."""
    if status in _SETTLED | _CLEANING:
        return ""
    return _MENDS.get(status) or (_WAIT if status.endswith("_IN_PROGRESS") else _AGAIN)
