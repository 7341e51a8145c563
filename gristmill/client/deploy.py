"""The fast way to the very stack that `sam build` and `sam deploy` make: no build, no change set.

What differs is the layer: it holds the core and the pipelines, for the functions find their other packages in the
environment that the embedded AWS runs in.
"""

import hashlib
import io
import json
import shlex
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.door import parse_template
from gristmill.errors import GristmillError, Refused
from gristmill.storage.s3 import S3Storage

# what batch_jobs/images/build.sh makes, by the stack's parameters; `science` has OpenCL with a GPU and without
IMAGES = {
    "JobImage": "gristmill-jobs:cpu",
    "ScienceImage": "gristmill-jobs:science",
    "GenomicsImage": "gristmill-jobs:genomics",
    "GpuImage": "gristmill-jobs:science",
}
_BUCKET = "gristmill-artifacts"
_LAYER = ("gristmill", "process_tree", "batch_jobs")
_NOT_IN_LAYER = ("gristmill/_project", "gristmill/cli", "gristmill/client")


class DeployFailed(GristmillError):
    """Raised when the stack could not be made or changed; names the first failed resource."""


def deploy(
    clients: Mapping[str, Any], project: Path, stack: str, overrides: Mapping[str, str], source: Path | None = None
) -> dict[str, str]:
    """Create or update a stack from the project's template; return its outputs.

    `clients` has boto3 clients of `s3` and `cloudformation`. `source` holds the packages, by default `project`. The
    parameters are those of the profile `local` in samconfig.toml, with `overrides` over them.
    """
    artifacts = S3Storage(_BUCKET, clients["s3"])
    artifacts.ensure_bucket()
    template = parse_template((project / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        _package(artifacts, project, source or project, resource)
    parameters = {**local_parameters(project), **overrides}
    return _apply(clients["cloudformation"], stack, json.dumps(template), parameters)


def local_parameters(project: Path) -> dict[str, str]:
    """Return the parameters that samconfig.toml has for the embedded AWS."""
    config = tomllib.loads((project / "samconfig.toml").read_text(encoding="utf-8"))
    text = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in shlex.split(text))


def _package(artifacts: S3Storage, project: Path, source: Path, resource: dict[str, Any]) -> None:
    """Upload a resource's local files and point it at them, as `sam package` does."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Serverless::Function":
        properties["CodeUri"] = _upload(artifacts, _zip(_files(project / properties["CodeUri"])))
    elif resource["Type"] == "AWS::Serverless::LayerVersion":
        properties["ContentUri"] = _upload(artifacts, _zip(_layer_files(source)))
    elif resource["Type"] == "AWS::Serverless::StateMachine":
        definition = (project / properties["DefinitionUri"]).read_bytes()
        properties["DefinitionUri"] = _upload(artifacts, definition)


def _upload(artifacts: S3Storage, content: bytes) -> dict[str, str]:
    key = hashlib.sha256(content).hexdigest()
    artifacts.put(key, content)
    return {"Bucket": _BUCKET, "Key": key}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        if "__pycache__" not in path.parts:
            yield str(path.relative_to(folder)), path


def _layer_files(source: Path) -> Iterator[tuple[str, Path]]:
    left_out = {source / name for name in _NOT_IN_LAYER}
    for name in _LAYER:
        for path in sorted((source / name).rglob("*")):
            if path.is_file() and path.parent.name != "__pycache__" and not left_out & set(path.parents):
                yield f"python/{path.relative_to(source)}", path


def _zip(files: Iterator[tuple[str, Path]]) -> bytes:
    """Return a zip that is the same for the same files, whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in files:
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return buffer.getvalue()


def _apply(cloudformation: Any, stack: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    named = {"StackName": stack, "TemplateBody": template, "Parameters": given, "Capabilities": ["CAPABILITY_IAM"]}
    try:
        if _stands(cloudformation, stack):
            cloudformation.update_stack(**named)
        else:
            cloudformation.create_stack(**named)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise Refused([error.response["Error"]["Message"]]) from error
    return _outputs(cloudformation, stack)


def _stands(cloudformation: Any, stack: str) -> bool:
    try:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return False
    if status == "ROLLBACK_COMPLETE":  # as on AWS, what never came to be can only be deleted
        cloudformation.delete_stack(StackName=stack)
        return False
    return True


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    if described["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployFailed(f"the stack {stack} is {described['StackStatus']}: {_first_failure(cloudformation, stack)}")
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _first_failure(cloudformation: Any, stack: str) -> str:
    events = reversed(cloudformation.describe_stack_events(StackName=stack)["StackEvents"])
    failed = (event for event in events if event["ResourceStatus"].endswith("_FAILED"))
    reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
    return reasons[0] if reasons else "see the stack's events"
