"""What runs in the process that starts a job."""
