"""The page of what is covered is what the code gives; `make reference` writes it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "embedded-aws-coverage.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_code_gives():
    words = [sys.executable, "-m", "embedded_aws.coverage"]  # by itself: it loads all of moto
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == PAGE, "write it anew: make reference"


def test_the_actions_that_everybody_uses_are_answered():
    answered = dict(re.findall(r"^\| (Batch|Step Functions) \| (.*?) \|", PAGE, re.MULTILINE)[-2:])
    assert {"`SubmitJob`", "`DescribeJobs`", "`TerminateJob`"} <= set(answered["Batch"].split(", "))
    assert {"`StartExecution`", "`StopExecution`"} <= set(answered["Step Functions"].split(", "))
