"""What the package aws-parallelcluster-awsbatch-cli must be told of a stack."""

from gristmill import keys
from gristmill.client.stack import Mill

_REQUIREMENTS = "aws-parallelcluster-awsbatch-cli>=1.0.0"  # it checks its own version against this


def configuration(mill: Mill) -> dict[str, dict[str, str]]:
    """Return the sections of its configuration file; the stack stands for the cluster."""
    queue = mill.output("CpuQueueArn")
    (told,) = mill.client("batch").describe_job_queues(jobQueues=[queue])["jobQueues"]
    region = mill.client("batch").meta.region_name
    cluster = {
        "region": region,
        "s3_bucket": mill.store.bucket,
        "artifact_directory": keys.JOBS.rstrip("/"),
        "batch_cli_requirements": _REQUIREMENTS,
        "compute_environment": told["computeEnvironmentOrder"][0]["computeEnvironment"],
        "job_queue": queue,
        "job_definition": mill.output("CommandJobDefinitionArn"),
        "head_node_ip": "127.0.0.1",  # asked for, and used by no command
        "proxy": "NONE",
    }
    return {"main": {"cluster_name": mill.name, "region": region}, f"cluster {mill.name}": cluster}
