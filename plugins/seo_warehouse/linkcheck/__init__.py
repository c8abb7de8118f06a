"""What a visit to a page that links to the property says of its links: pure functions of what the page answered."""
