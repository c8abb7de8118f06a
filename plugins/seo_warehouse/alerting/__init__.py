"""What is said to people outside, and over which channel."""
