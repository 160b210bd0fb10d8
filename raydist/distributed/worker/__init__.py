"""What every worker of a group executes."""
