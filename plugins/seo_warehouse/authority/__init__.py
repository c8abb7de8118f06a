"""How strong and how broad: ranks on graphs, diversity of a portfolio, what witnesses miss, scales of vendors."""
