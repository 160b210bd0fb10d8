"""What a table of tracklets and its files say before a training: pure functions, one idea a file."""
