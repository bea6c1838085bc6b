"""The command that compares entries with what services say today."""

COMMANDS = ()
