"""What these tests see of a stack whose jobs are containers."""

from dataclasses import dataclass, field
from typing import Any

from embedded_aws.containers.engine import Engine
from tests.integration.mill import Mill


@dataclass(frozen=True)
class Contained(Mill):
    """A stack, and the engine that runs its jobs."""

    engine: Engine = field(kw_only=True)

    def containers(self) -> list[str]:
        """Return the ids of all containers of this stack's jobs, ended ones included."""
        port = self.endpoint.rpartition(":")[2]
        return self.engine.ask("ps", "--all", "--quiet", "--filter", f"label=gristmill-port={port}").stdout.split()

    def submit(self, *command: str, definition: str = "", **more: Any) -> str:
        """Submit a plain job; return its id."""
        submitted: str = self.client("batch").submit_job(
            jobName="alone",
            jobQueue=self.outputs["CpuQueueArn"],
            jobDefinition=definition or self.outputs["CpuJobDefinitionArn"],
            containerOverrides={"command": list(command), **more},
        )["jobId"]
        return submitted

    def described(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("batch").describe_jobs(jobs=[job])["jobs"][0]
        return found

    def ended(self, job: str, seconds: float = 90) -> dict[str, Any]:
        """Wait for a job's end; return it as described."""
        self._until(lambda: self.described(job)["status"] in ("SUCCEEDED", "FAILED"), seconds, f"{job} runs on")
        return self.described(job)

    def done(self, *command: str, **more: Any) -> dict[str, Any]:
        """Run a plain job to its end and return it as described."""
        return self.ended(self.submit(*command, **more))

    def log_of(self, job: dict[str, Any]) -> str:
        """Return the log of a described job's last attempt."""
        stream = job.get("container", {}).get("logStreamName") or job["attempts"][-1]["container"]["logStreamName"]
        group = self.outputs["JobLogGroupName"]
        events = self.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
        return "\n".join(event["message"] for event in events)

    def build(self, name: str, recipe: str, **programs: str) -> str:
        """Build an image from a recipe and programs beside it; return its name."""
        folder = self.data / "images" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Containerfile").write_text(recipe)
        for program, text in programs.items():
            (folder / program).write_text(text)
            (folder / program).chmod(0o755)
        image = f"gristmill-test:{name}"
        words = ("build", "--tag", image, "--file", str(folder / "Containerfile"), str(folder))
        built = self.engine.ask(*words, seconds=300)
        assert built.returncode == 0, built.stderr
        return image

    def define(self, name: str, base: str = "CpuJobDefinitionArn", **changes: Any) -> str:
        """Register a job definition like the stack's own with some of its container changed; return its name."""
        batch = self.client("batch")
        (own,) = batch.describe_job_definitions(jobDefinitions=[self.outputs[base]])["jobDefinitions"]
        batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            parameters=own["parameters"],
            containerProperties={**own["containerProperties"], **changes},
            retryStrategy=own["retryStrategy"],
        )
        return name
