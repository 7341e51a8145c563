"""The page of what is covered is what the code gives; `make reference` writes it."""

from pathlib import Path

from embedded_aws.coverage import batch_actions, page, step_functions_actions

PAGE = Path(__file__).parents[2] / "docs" / "embedded-aws-coverage.md"


def test_the_page_is_what_the_code_gives():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: make reference"


def test_the_actions_that_everybody_uses_are_answered():
    assert {"SubmitJob", "DescribeJobs", "TerminateJob", "RegisterJobDefinition"} <= batch_actions()
    assert {"StartExecution", "DescribeExecution", "StopExecution"} <= step_functions_actions()
