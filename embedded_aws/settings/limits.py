"""AWS's quotas that the embedded AWS holds; each with its source."""

GIB = 1024**3

# AWS Batch user guide, "Service quotas" (cannot be raised)
BATCH_ARRAY_MIN = 2
BATCH_ARRAY_MAX = 10_000
BATCH_ATTEMPTS_MAX = 10
BATCH_TIMEOUT_MIN_SECONDS = 60
BATCH_DESCRIBE_MAX = 100  # job ids in one DescribeJobs call
BATCH_END_MAX = 50  # job ids in one TerminateJobs or CancelJobs call
BATCH_SUBMIT_MAX_BYTES = 30 * 1024  # of a SubmitJob request
BATCH_DEFINITION_MAX_BYTES = 24 * 1024
BATCH_DEPENDENCIES_MAX = 20
BATCH_QUEUE_ENVIRONMENTS_MAX = 3
BATCH_RUNNABLE_LIMIT_SECONDS = (600, 86_400)  # shortest and longest job state time limit
BATCH_TAGS_MAX = 50
BATCH_NAME_MAX = 128  # characters of the name of a job, and of a job definition
BATCH_LIST_PAGE = 100  # jobs in one filtered ListJobs page
BATCH_LIST_PAGE_BY_STATUS = 1_000  # and in one without a filter
BATCH_NODES_MAX = 1_000  # nodes of a multi-node job ("Multi-node parallel jobs": an account's default)
BATCH_NODE_RANGES_MAX = 5  # node groups of a multi-node job definition

# Amazon S3 user guide, "Multipart upload limits"
S3_PART_MAX = 5 * GIB

# AWS Lambda developer guide, "Lambda quotas": deployment package, 250 MB unzipped
LAMBDA_UNZIPPED_MAX = 262_144_000  # bytes
