"""How broad the links of a property are, what its witnesses miss, and how much authority reaches each page."""
