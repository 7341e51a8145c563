"""`gristmill deploy`: the stack on the embedded AWS."""

from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, out
from gristmill.errors import Refused


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(deploy)


def deploy(
    context: typer.Context,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Parameter of template.yaml; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Deploy on the embedded AWS, or update.

    The very stack of template.yaml that sam deploy makes, without a build. On AWS, use sam deploy.
    """
    overrides = pairs(parameter or [])
    here = session(context)
    if not here.target.local:
        raise Refused(
            [f"{here.target.describe()} is not the embedded AWS."],
            "There, deploy with: sam build && sam deploy --config-env dev. For a laptop: gristmill local up",
        )
    here.target.probe()
    from embedded_aws.door import find_server
    from gristmill.client.deploy import IMAGES
    from gristmill.client.deploy import deploy as deploy_locally
    from gristmill.project import project_folder, source_folder, working_folder

    state = find_server(here.target.data) if here.target.data else None
    if state and state.containers:
        overrides = {**IMAGES, **overrides}
    clients = {name: here.target.client(name) for name in ("s3", "cloudformation")}
    folder = working_folder()
    project, source = project_folder(folder), source_folder(folder)
    outputs = deploy_locally(clients, project, here.stack_name, overrides, source)
    if json:
        emit({"stack": here.stack_name, "outputs": outputs})
        return
    out(f"The stack {here.stack_name} is deployed. Drop files under s3://{outputs['BucketName']}/inputs/<pipeline>/,")
    out("or with: gristmill run PIPELINE FILE")
