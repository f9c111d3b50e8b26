"""Second opinions: what other engines say about the same bytes. Plain Python, without a framework."""
