"""AWS quotas and the bounds derived from them; each with its source."""

MIB = 1024**2
GIB = 1024**3

# AWS Batch user guide, "Service quotas" (cannot be raised)
BATCH_ARRAY_MIN = 2
BATCH_ARRAY_MAX = 10_000
BATCH_ATTEMPTS_MAX = 10
FENCE_MAX = 1000  # executions of a run, so that its attempts have four digits
GENERATIONS_MAX = FENCE_MAX  # each begins with an execution of its own
BATCH_SUBMITS_PER_SECOND = 50
BATCH_TIMEOUT_MIN_SECONDS = 60
BATCH_DESCRIBE_MAX = 100  # job ids in one DescribeJobs call
BATCH_NAME_MAX = 128  # characters of the name of a job, and of a job definition

# Amazon S3 user guide, "Multipart upload limits"
S3_PART_MIN = 5 * MIB
S3_PART_MAX = 5 * GIB
S3_PARTS_MAX = 10_000
S3_KEY_MAX_BYTES = 1024
S3_METADATA_MAX_BYTES = 2 * 1024

# AWS Lambda developer guide, "Lambda quotas"
LAMBDA_TIMEOUT_MAX_SECONDS = 900

# Step Functions developer guide, "Quotas": payload 256 KiB, history 25,000 events; our own payload is far below that
STATE_PAYLOAD_AWS_MAX = 256 * 1024
STATE_PAYLOAD_MAX = 32 * 1024
HISTORY_EVENTS_MAX = 25_000
STATE_REASON_MAX = 1_000  # characters of a cause carried in the state; the whole of it lies in S3

# Amazon SNS API reference, Publish: Subject below 100 characters, Message 256 KiB
SNS_SUBJECT_MAX = 100
SNS_MESSAGE_MAX = 256 * 1024

# A Split must end within one Lambda invocation: at a cautious 40 MiB/s from S3, 32 GiB take 820 s
SCAN_MAX_BYTES = 32 * GIB

# SAM specification, section 4.1: a block's size has 16 bits
BGZF_BLOCK_MAX = 64 * 1024

# BGZF is decompressed to be scanned: at 20 MiB/s of the file (80 MiB/s of data, one vCPU), 12 GiB take 615 s
BGZF_SCAN_MAX_BYTES = 12 * GIB

# A list of parts is made in one JobMap and held there: at about 150 bytes a part, 150 MB
PARTS_MAX = 1_000_000

# A dropped list: its items are held at once, at about 200 bytes 200 MB; one vCPU asks for 500 objects a second
LIST_ITEMS_MAX = 1_000_000
LIST_CHECKED_MAX = 100_000

# A segment is sealed at this size or age, so that a killed child loses little (see the architecture notes). Its age
# may grow with the child's own: to a tenth of it in a stage of 1,000 children, and so on up to all of it from 10,000
# on. So even the receipts of a stage whose children work for days are few enough for one CheckOutput to read.
SEGMENT_BYTES = 64 * MIB
UPLOAD_ONE_PUT = 16 * MIB  # up to this an object is written by one request
UPLOAD_PART = 5 * MIB  # else in parts of this size, so that little of it lies in memory
INDEX_WINDOW = 128 * 1024  # tasks whose offsets a child reads in one request: 1 MiB
PROGRESS_SECONDS = 5.0  # between a child's lines about its progress
SEGMENT_SECONDS = 60.0
SEGMENT_TASKS = 50_000  # keeps a receipt below about 2 MB
SEGMENT_AGE_MIN = 0.1  # of the child's age
SEGMENT_AGE_CHILDREN = 10_000

# A stage's branches and children, so that its Batch jobs fit the state and the history, are submitted within a second,
# and one CheckOutput can read what they commit: 300 receipts a second, up to two of each of 50,000 children
STAGE_BRANCHES_MAX = 16
STAGE_CHILDREN_MAX = 50_000

# Names in a pipeline.yaml: stage and branch together fit the name of a Batch job, beside run, attempt and group
NAME_MAX = 40

JOINS_MAX = 8  # branches that a stage's tasks are given beside their input

# The checks of a pipeline, and what they read: a branch's figures are a small JSON object. A message is a few sentences
CHECKS_MAX = 50
FIGURES_MAX = 64 * 1024  # bytes
FIGURE_NAME_MAX = 100
MESSAGE_MAX = 500

# What a push says of itself is shown in a table
PUSH_MESSAGE_MAX = 500

# The tasks of a stage: Merge and CheckOutput hold 32 bytes of each, 640 MB of a function's 1,769
TASKS_MAX = 20_000_000

# Files that a branch publishes, one a task: one Merge copies 16 at once, at a cautious 50 ms each 100,000 take 320 s
FILES_MAX = 100_000

# A container with Python in it takes more than this many MiB
MEMORY_MIN = 128

# Outputs of a branch: each is a file of every container and a segment beside the others
OUTPUTS_MAX = 8

# Tasks that a branch may leave out: CheckOutput and Merge read the failure of each, 16 at once, at 50 ms each in 32 s
LEFT_OUT_MAX = 10_000

# A header is read whole by every task, and handed to it before its records
HEADER_MAX = 1 * MIB

# A pipeline's code: each container fetches and unpacks it, and Split holds it in memory
CODE_MAX = 20 * MIB
CODE_FILES_MAX = 2_000
CODE_PATH_MAX_BYTES = 255

# The libraries of a pipeline: each container unpacks them before its first task
LIBRARIES_MAX = 250 * MIB
LIBRARY_FILES_MAX = 50_000

# A drop note names a run's files and holds its parameters; a run has a handful of files besides the one that is cut
NOTE_MAX = 64 * 1024
INPUTS_MAX = 16

# A batch's items: one Split looks at all their files, 16 at once, at a cautious 50 ms each in 32 s a file; one Feed
# drops as many as may run at once in 10 s
BATCH_ITEMS_MAX = 10_000
AT_ONCE, AT_ONCE_MAX = 20, 1_000
BATCH_LIST_MAX = 64 * MIB
ITEM_NAME_MAX = 80

# What a run may start: pipelines by its own `then`, and ancestors that a run which is started so may have
THEN_MAX = 8
ANCESTORS_MAX = 8

# A record is read whole into memory: the outcome of a branch that publishes 100,000 files has a key of each
RECORD_MAX = 64 * MIB

# The nodes of a multi-node job start one by one, and all of them wait for the last one
NODES_COME_SECONDS = 600.0

# Disk left free beside a staged input, for the program's own files
DISK_RESERVE = 64 * MIB

# Attempt numbers of the k-th resume start at k * ATTEMPTS_MAX, so no key of an earlier execution is reused
ATTEMPTS_MAX = 10

# A run's tags and its batch travel in the user metadata of the dropped object, and stand in each list of runs
TAGS_MAX = 10
TAG_NAME_MAX, TAG_VALUE_MAX = 40, 100
CATALOGUE_DAYS = 365  # that a list of runs shows one: as long as its results are kept (template.yaml)
