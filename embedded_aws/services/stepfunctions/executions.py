"""Executions: named, announced on EventBridge, logged, stopped at once, and described as AWS does."""

import datetime
import json
import time
import uuid
from typing import Any

from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions import responses
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from embedded_aws.services.events import emit
from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

_TOLD_AT = {"ERROR": ("Failed", "Aborted", "TimedOut"), "FATAL": ("ExecutionFailed", "ExecutionAborted", "TimedOut")}


def _status_event(execution: Any) -> None:
    """Emit AWS's event for the status that an execution has now."""
    stop = execution.stop_date
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(stop.timestamp() * 1000) if stop else None,
        "input": json.dumps(execution.input_data),
        "output": execution.output,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if execution.output else None,
        "error": execution.error,
        "cause": execution.cause,
    }
    emit("aws.states", "Step Functions Execution Status Change", detail, [execution.exec_arn])


def _log(settings: Settings, execution: Any) -> None:
    """Write the events that the state machine's logging asks for into its log group."""
    logging = getattr(execution.state_machine, "loggingConfiguration", None) or {}
    level, destinations = logging.get("level", "OFF"), logging.get("destinations") or []
    if level == "OFF" or not destinations or not execution.exec_worker.env:
        return
    history = execution.exec_worker.env.event_manager.get_event_history()
    wanted = [event for event in history if level == "ALL" or str(event["type"]).endswith(_TOLD_AT[level])]
    if not wanted:
        return
    group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
    stream = f"states/{execution.state_machine.name}/{execution.start_date:%Y-%m-%d-%H-%M}/{execution.name[:8]}"
    logs = client(settings, "logs")
    logs.create_log_stream(logGroupName=group, logStreamName=f"{stream}-{uuid.uuid4().hex[:8]}"[:512])
    name = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"][-1]["logStreamName"]
    lines = [json.dumps({**event, "execution_arn": execution.exec_arn}, default=str) for event in wanted]
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName=name, logEvents=[{"timestamp": now, "message": line} for line in lines]
    )


def install(settings: Settings) -> None:
    """Apply the patches."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    StepFunctionsParserBackend._validate_definition = staticmethod(_validate)
    _patch_start()
    _patch_end(settings)
    _patch_describe()


def _validate(definition: str) -> None:
    """Refuse a definition that cannot be parsed, with AWS's error code; moto's has none."""
    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as error:
        raise JsonRESTError("InvalidDefinition", f"Invalid State Machine Definition: {error!r}") from error


def _patch_start() -> None:
    start_execution, start = StepFunctionsParserBackend.start_execution, execution_module.Execution.start

    def start_execution_named(
        self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **more: Any
    ) -> Any:
        return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *rest, **more)

    def start_told(self: Any) -> None:
        start(self)
        _status_event(self)

    StepFunctionsParserBackend.start_execution = start_execution_named
    execution_module.Execution.start = start_told


def _patch_end(settings: Settings) -> None:
    communication = execution_module.BaseExecutionWorkerCommunication
    reflect, stop = communication._reflect_execution_status, execution_module.Execution.stop

    def reflect_once(self: Any) -> None:
        """Note how the execution ended, unless it was stopped, which is announced already."""
        if self.execution.exec_status is not ExecutionStatus.RUNNING:
            return
        reflect(self)
        if self.execution.output is not None:
            self.execution.output = json.dumps(self.execution.output)
        _status_event(self.execution)
        _log(settings, self.execution)

    def stop_at_once(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        if self.exec_status is not ExecutionStatus.RUNNING:
            return
        while self.exec_worker.env is None:  # the worker's thread has not begun yet
            time.sleep(0.01)
        self.exec_status = ExecutionStatus.ABORTED
        self.stop_date = datetime.datetime.now(tz=datetime.UTC)
        self.error, self.cause = getattr(self, "stop_reason", (error, cause))
        stop(self, stop_date, error, cause)
        _status_event(self)
        _log(settings, self)

    def stop_with_reason(self: Any) -> Any:
        """Note the error and cause that a stop gives, which moto drops."""
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        execution.stop_reason = (self._get_param("error"), self._get_param("cause"))
        return stop_requested(self)

    stop_requested = responses.StepFunctionResponse.stop_execution
    responses.StepFunctionResponse.stop_execution = stop_with_reason
    communication._reflect_execution_status = reflect_once
    execution_module.Execution.stop = stop_at_once


def _patch_describe() -> None:
    describe, listed = responses.StepFunctionResponse.describe_execution, responses.StepFunctionResponse.list_executions

    def describe_whole(self: Any) -> Any:
        """Add the end of executions that timed out, which moto leaves away."""
        answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.stop_date is not None:
            answer.result["stopDate"] = execution.stop_date
        return answer

    def list_whole(self: Any) -> Any:
        answer = listed(self)
        for item in answer.result["executions"]:
            execution = self.stepfunction_backend.describe_execution(item["executionArn"])
            if execution.stop_date is not None:
                item["stopDate"] = execution.stop_date
        return answer

    responses.StepFunctionResponse.describe_execution = describe_whole
    responses.StepFunctionResponse.list_executions = list_whole
