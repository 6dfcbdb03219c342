"""Labels: as they are meant, in one column or several, and what to tell of them."""
