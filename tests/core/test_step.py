"""What every step refuses: settings that can't mean anything."""

import pytest

from curate.errors import ConfigError
from curate.steps import ConflictingLabels


@pytest.mark.parametrize("issue", ["exat", ["near", "exat"]])
def test_a_mistyped_issue_of_a_fix_is_refused_with_the_nearest(issue):
    for fix in ({"drop": {"issue": issue}}, {"drop": {"issue": "near"}, "otherwise": {"review": {"issue": issue}}}):
        with pytest.raises(
            ConfigError, match=r"finds no issue 'exat' \(did you mean 'exact'\?\); it finds exact, near"
        ):
            ConflictingLabels(fix=fix)


def test_one_issue_needs_no_list():
    assert ConflictingLabels(fix={"drop": {"issue": "near"}}).fix == {"drop": {"issue": "near"}}
