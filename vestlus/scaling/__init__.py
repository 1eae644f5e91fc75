"""How many actors there should be. Plain code: numbers and times go in, a number comes out."""
