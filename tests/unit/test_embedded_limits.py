"""AWS's quotas are written down in two packages that do not know each other: they must agree."""

import embedded_aws.settings.limits
import gristmill.limits


def test_quotas_that_both_packages_name_are_equal():
    embedded, core = vars(embedded_aws.settings.limits), vars(gristmill.limits)
    shared = [name for name in embedded if name.isupper() and name in core]
    assert len(shared) > 5
    assert {name: embedded[name] for name in shared} == {name: core[name] for name in shared}
