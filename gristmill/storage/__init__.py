"""Where objects lie: S3, a folder of this machine, or one file; ranged reads and server-side joins."""
