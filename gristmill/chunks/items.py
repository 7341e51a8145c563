"""Items of a list."""

S3_SCHEME = "s3://"
