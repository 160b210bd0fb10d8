"""The command line: one file a command, argument handling and printing only."""
