"""What the package aws-parallelcluster-awsbatch-cli needs to know of a stack."""

from gristmill import keys
from gristmill.client.stack import Stack

_REQUIREMENTS = "aws-parallelcluster-awsbatch-cli>=1.0.0"  # it checks its own version against this


def configuration(stack: Stack) -> dict[str, dict[str, str]]:
    """Return the sections of its configuration file; the stack stands for the cluster."""
    queue = stack.output("CpuQueueArn")
    (described,) = stack.client("batch").describe_job_queues(jobQueues=[queue])["jobQueues"]
    region = stack.client("batch").meta.region_name
    cluster = {
        "region": region,
        "s3_bucket": stack.store.bucket,
        "artifact_directory": keys.JOBS.rstrip("/"),
        "batch_cli_requirements": _REQUIREMENTS,
        "compute_environment": described["computeEnvironmentOrder"][0]["computeEnvironment"],
        "job_queue": queue,
        "job_definition": stack.output("CommandJobDefinitionArn"),
        "head_node_ip": "127.0.0.1",  # asked for, and used by no command
        "proxy": "NONE",
    }
    return {"main": {"cluster_name": stack.name, "region": region}, f"cluster {stack.name}": cluster}
