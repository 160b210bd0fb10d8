"""Where the numbers of a run go: JSON lines always, MLflow where asked for. One writer, and training never waits long."""
