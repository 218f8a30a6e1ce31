"""Orders from afar: what one looks like, who may give it, and whether it counts here and now. Nothing here carries one out."""
