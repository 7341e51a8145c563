"""Two runs side by side."""

from gristmill.client.runs.compare import Compared, side_by_side


def test_what_differs_is_told_and_what_one_alone_has_is_not_lost():
    first = {"status": "SUCCEEDED", "parameter k": "1", "cost": "$0.10"}
    second = {"status": "SUCCEEDED", "parameter k": "2", "copied rmse": "0.5 (passed)", "cost": "$0.10"}
    compared = side_by_side(first, second)
    assert compared == [
        Compared("status", ("SUCCEEDED", "SUCCEEDED")),
        Compared("parameter k", ("1", "2")),
        Compared("cost", ("$0.10", "$0.10")),
        Compared("copied rmse", (None, "0.5 (passed)")),
    ]
    assert [fact.what for fact in compared if fact.differs] == ["parameter k", "copied rmse"]
