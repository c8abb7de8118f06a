"""How broad links are, what witnesses miss, what stands out and may go, and how much authority reaches each page."""
