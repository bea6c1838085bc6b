"""`python -m surveykit.cli` is the same as `surveykit`."""

from surveykit.cli import main

main()
