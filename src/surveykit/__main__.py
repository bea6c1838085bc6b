"""`python -m surveykit`: the same as the command."""

from surveykit.cli import main

main()
