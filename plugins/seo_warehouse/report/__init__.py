"""The report of what links did: facts out of the marts, sentences, pictures, and the page that holds them."""
