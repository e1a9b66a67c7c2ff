"""What an explanation says, in words: English and German.

::

    answers    an answer in a sentence or two
    reasons    what speaks against a site, and what binds
    changes    what would have to be different, and offers
    decisions  why the plan decides as it does, alternatives and conflicts
"""

from situs.planner.explain.wording.answers import say_explanation, say_left_out, say_verdict, say_why_not
from situs.planner.explain.wording.changes import say_change, say_offer
from situs.planner.explain.wording.decisions import ALTERNATIVES, say_conflict
from situs.planner.explain.wording.reasons import is_of_a_rule, say

__all__ = [
    "ALTERNATIVES",
    "is_of_a_rule",
    "say",
    "say_change",
    "say_conflict",
    "say_explanation",
    "say_left_out",
    "say_offer",
    "say_verdict",
    "say_why_not",
]
