"""Objects in an archive, which nobody can read before they are restored."""

from gristmill.printable import short
from gristmill.storage import ObjectInfo


def archive_fault(found: ObjectInfo) -> str:
    """Return why an object, as a HEAD tells of it, cannot be read, with the mend; empty where it can. Pure."""
    if not found.is_archived:
        return ""
    mend = "restore it (aws s3api restore-object), wait until that is done, and drop again; or copy it to another class"
    return f"{short(found.key)} lies in the archive {found.storage} and cannot be read; {mend}"
