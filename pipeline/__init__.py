"""What the user asked for, and the steps that do it, in order."""
