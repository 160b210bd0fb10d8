"""Where the metrics of a run are kept: in JSON lines always, in MLflow on request."""
