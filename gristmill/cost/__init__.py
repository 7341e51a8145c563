"""What a run costs as AWS would bill it: one dated price table, one usage record, one sum."""
