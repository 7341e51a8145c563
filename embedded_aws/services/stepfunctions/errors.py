"""The names of errors of Step Functions' own that leave a branch or an iteration; moto takes them for custom ones."""

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl


def named(error_name: str | None) -> ErrorName:
    """Return an error's name as the engine knows it."""
    if error_name is not None and error_name.startswith("States."):
        return StatesErrorName.from_name(error_name)
    return CustomErrorName(error_name)


def install() -> None:
    """Apply the patch."""
    branches_decl.CustomErrorName = iteration_worker.CustomErrorName = named
