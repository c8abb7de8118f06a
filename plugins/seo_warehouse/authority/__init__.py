"""How broad the links of a property are: diversity of a portfolio, and what its witnesses miss."""
