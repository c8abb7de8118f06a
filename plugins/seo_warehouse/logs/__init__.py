"""Server logs: opened, recognised, read line by line, and counted by who came; nothing of people is kept."""
