"""Policy: labels, rules, and what they refuse. Rules remove places; they never trade against cost."""

from situs.policy.control import Control, control
from situs.policy.engine import Policy, RuleInfo
from situs.policy.kept_at import check_kept_at
from situs.policy.labels import Labels, effective_labels
from situs.policy.wording import Sentence, say
from situs.policy.written import check_written

__all__ = [
    "Control",
    "Labels",
    "Policy",
    "RuleInfo",
    "Sentence",
    "check_kept_at",
    "check_written",
    "control",
    "effective_labels",
    "say",
]
