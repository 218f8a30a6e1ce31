"""``qrgate explain``: what a code is, what is proven, whether it may pass and why. Nothing personal is printed in full."""

from __future__ import annotations

import argparse
import json
import sys

from device.errors import EXIT_FAULT, EXIT_OK
from device.explain import report
from device.explain.answer import explain
from device.explain.question import read_question


def run(options: argparse.Namespace) -> int:
    """0 where the gate would let the bearer in, 1 where it would refuse.

    Raises:
        UsageError: an option or file is not what it should be.
        HardwareError: there is no readable code in the picture.
    """
    question = read_question(options)
    answers = [explain(payload, question) for payload in question.payloads]
    if options.json:
        sys.stdout.write(json.dumps(report.document(answers, question), ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(report.lines(answers, question)) + "\n")
    return EXIT_OK if all(answer.decision.admit for answer in answers) else EXIT_FAULT
