"""What the embedded AWS replaces in moto is still what the replacements were made for, and still lacks what they add.

After an upgrade of moto: read what changed at each place that is named here, mend or drop the patch, and note the new
digest (the failure shows it).
"""

import hashlib
import importlib
import inspect
import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.project import PROJECT

SFN = "moto.stepfunctions.parser"
TASK = f"{SFN}.asl.component.state.exec.state_task.service"
DIGESTS = {
    "moto.awslambda.models:LambdaFunction.__init__": "70a285222b4a",
    "moto.awslambda.models:LambdaFunction.get_configuration": "803fb04bffde",
    "moto.awslambda.models:LambdaFunction.invoke": "dadc324f30ae",
    "moto.awslambda.models:LambdaFunction.update_configuration": "eca1cdec066f",
    "moto.awslambda.models:LambdaStorage.del_function": "4883b7e3df50",
    "moto.awslambda.models:_s3_content": "17f859781d26",
    "moto.awslambda.models:_zipfile_content": "893f55dd944e",
    "moto.cloudformation.models:CloudFormationBackend.create_change_set": "4668670ac84b",
    "moto.cloudformation.models:CloudFormationBackend.create_stack": "dcb835c34772",
    "moto.cloudformation.models:CloudFormationBackend.delete_stack": "d0113177c342",
    "moto.cloudformation.models:CloudFormationBackend.execute_change_set": "1090cb5b81ab",
    "moto.cloudformation.models:CloudFormationBackend.update_stack": "83a62d954ef0",
    "moto.core.common_models:BaseModel.__new__": "08cf0ef20e88",
    "moto.events.models:EventsBackend.put_events": "c56f6ac1f932",
    "moto.events.notifications:send_notification": "1dde95f720f4",
    "moto.s3.models:FakeDeleteMarker.__init__": "8ee72589c1b1",
    "moto.s3.models:FakeKey.__del__": "5e2666415ddb",
    "moto.s3.models:FakeKey.__getstate__": "9e38b58ef9ad",
    "moto.s3.models:FakeKey.__setstate__": "5ce39b3d465a",
    "moto.s3.models:FakeKey.dispose": "3e18a93bddaa",
    "moto.s3.models:FakeKey.etag": "aa3062e82e08",
    "moto.s3.models:FakeKey.value": "5e9a53c3d82c",
    "moto.s3.models:FakeMultipart.complete": "a5cd01f2f2f2",
    "moto.s3.models:FakeMultipart.dispose": "3f232bb6d3c2",
    "moto.s3.models:FakeMultipart.list_parts": "9a3450c7e8f7",
    "moto.s3.models:FakeMultipart.set_part": "87e31635d97f",
    "moto.s3.models:MultipartDict": "0227ff08c533",
    "moto.s3.models:S3Backend._url_module": "248ddfae4fb5",
    "moto.s3.models:S3Backend.is_truncated": "e7303f327126",
    "moto.s3.models:S3Backend.list_object_versions": "268a5f62e83a",
    "moto.s3.models:S3Backend.list_objects": "9409ba5af314",
    "moto.s3.models:S3Backend.list_objects_v2": "f5600333ebab",
    "moto.s3.models:S3Backend.put_object": "db803f2da9d7",
    "moto.s3.models:S3Backend.put_object_tagging": "5d1ebe6352a4",
    "moto.s3.models:S3Backend.upload_part_copy": "f6f876edf982",
    "moto.s3.models:_VersionedKeyStore": "6592286b65e1",
    "moto.s3.notifications:_send_event_bridge_message": "971cee49c687",
    "moto.s3.responses:S3Response._get_checksum": "a7caee72693c",
    "moto.s3.responses:S3Response._handle_v4_chunk_signatures": "e53a9bc4439a",
    "moto.s3.responses:S3Response._key_response_post": "d6ab8e66ad85",
    "moto.s3.responses:S3Response.copy_object": "79d1ef627994",
    "moto.s3.responses:S3Response.delete_object": "1d979bff76a9",
    "moto.s3.responses:S3Response.get_object": "e9731229dec1",
    "moto.s3.responses:S3Response.key_response": "482dd528b49e",
    "moto.s3.responses:S3Response.put_object": "992229be920b",
    "moto.s3.responses:S3Response.serialized": "af486a0ef132",
    "moto.s3.responses:S3Response.setup_class": "f4fd5cb219d1",
    "moto.s3.responses:S3Response.upload_part_copy": "347a7235b0d3",
    "moto.s3.responses:compute_checksum": "30a7569e3106",
    "moto.s3.responses:metadata_from_headers": "6bda9f13187e",
    "moto.sns.models:SNSBackend.publish": "6356a2b5b79e",
    "moto.sns.models:SNSBackend.subscribe": "56ded2dae9fa",
    "moto.sns.models:Subscription.publish": "fd07bd0bb87f",
    f"{SFN}.asl.component.common.string.string_expression:StringJSONata._eval_body": "277b6f413214",
    f"{SFN}.asl.component.common.string.string_expression:StringVariableSample._eval_body": "4aa01e616a98",
    f"{SFN}.asl.component.state.exec.state_map.iteration.iteration_worker:CustomErrorName": "40a96f8ab369",
    f"{SFN}.asl.component.state.exec.state_parallel.branches_decl:CustomErrorName": "40a96f8ab369",
    f"{TASK}.state_task_service:StateTaskService._normalise_parameters": "dece59e76fd5",
    f"{TASK}.state_task_service:StateTaskService._normalise_response": "00e0b0a50b1d",
    f"{TASK}.state_task_service_batch:StateTaskServiceBatch._build_sync_resolver": "c27d42b99703",
    f"{TASK}.state_task_service_callback:StateTaskServiceCallback._eval_sync": "b8f76de4d514",
    f"{SFN}.asl.parse.preprocessor:Preprocessor._inner_string_of": "d9f476327b5b",
    f"{SFN}.asl.utils.boto_client:boto3": "a6bb8ed8174d",
    f"{SFN}.backend.execution:BaseExecutionWorkerCommunication._reflect_execution_status": "038a396107af",
    f"{SFN}.backend.execution:Execution.start": "07e927c2d5f9",
    f"{SFN}.backend.execution:Execution.stop": "16663c65db9a",
    f"{SFN}.models:StepFunctionsParserBackend._validate_definition": "a5921e3d3b46",
    f"{SFN}.models:StepFunctionsParserBackend.start_execution": "0f8d9dd57baf",
    "moto.stepfunctions.parser.asl.parse.asl_parser:AmazonStateLanguageParser.parse": "a59a7d18760f",
    "moto.stepfunctions.responses:StepFunctionResponse.describe_execution": "c3953bdc9ce2",
    "moto.stepfunctions.responses:StepFunctionResponse.get_execution_history": "3889cc6224ac",
    "moto.stepfunctions.responses:StepFunctionResponse.list_executions": "6fec14cfc5af",
    "moto.stepfunctions.responses:StepFunctionResponse.stop_execution": "633c8a544aac",
}


def original(place: str) -> Any:
    """Return what moto itself has at a place."""
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        holder, found = found, inspect.getattr_static(found, name)
    if isinstance(found, property):
        return found.fget
    if isinstance(found, ModuleType):  # a module that is swapped where it is used: its user counts
        return holder
    return found.__func__ if isinstance(found, staticmethod) else found


def digest(place: str) -> str:
    return hashlib.sha256(inspect.getsource(original(place)).encode()).hexdigest()[:12]


@pytest.mark.parametrize("place", DIGESTS)
def test_what_is_replaced_is_what_it_was(place):
    assert digest(place) == DIGESTS[place], f"moto changed {place}"


def test_every_replacement_is_listed():
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.patched"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    unlisted = {place: digest(place) for place in json.loads(done.stdout) if place not in DIGESTS}
    assert unlisted == {}, "a new patch: add these lines to DIGESTS, and a test of what it does"
    assert set(DIGESTS) <= set(json.loads(done.stdout)), "a patch is gone: take its line away"


GAPS = {  # what moto's own code says where it falls short
    "moto.awslambda.models:LambdaFunction._invoke_lambda": "docker",
    "moto.cloudformation.parsing:resource_class_from_type": "logger.warning",
    "moto.core.common_models:BaseModel.__new__": "instances_tracked.append",
    "moto.s3.models:FakeKey.value": "self._value_buffer.read()",
    "moto.s3.models:S3Backend.list_object_versions": "copy.deepcopy",
    "moto.s3.models:S3Backend.list_objects": "sorted(key_results",
    "moto.s3.notifications:_send_event_bridge_message": '"eTag"',
}


@pytest.mark.parametrize("place", GAPS)
def test_the_gap_is_still_there(place):
    assert GAPS[place] in inspect.getsource(original(place))


def test_moto_has_no_jsonata():
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    assert jsonata._eval_jsonata is None


def test_moto_sends_no_mail():
    assert "email" not in inspect.getsource(original("moto.sns.models:Subscription.publish"))


def test_moto_changes_no_letter_case_of_parameters():
    for name in ("_normalise_parameters", "_normalise_response"):
        place = f"{TASK}.state_task_service:StateTaskService.{name}"
        assert inspect.getsource(original(place)).rstrip().endswith("pass")


def test_moto_takes_step_functions_own_errors_for_custom_ones():
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName

    with pytest.raises(ValueError, match="MUST NOT begin"):
        CustomErrorName("States.QueryEvaluationError")


def test_moto_names_batchs_errors_as_step_functions_does_not():
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk

    assert "batch" not in state_task_service_aws_sdk._SERVICE_ERROR_NAMES


def test_waitress_still_writes_metadata_in_capitals():
    from waitress.task import Task

    assert "capitalize" in inspect.getsource(Task.build_response_header)
